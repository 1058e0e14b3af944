"""Stored answers to requests with an Idempotency-Key: a new epoch is the first operation here that needs one."""

from libs.servicekit.idempotency import idempotency_tables
from libs.servicekit.migrations import execute_all

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The table stands, empty, closed to other merchants."""
    execute_all(idempotency_tables("segmentation"))


def downgrade() -> None:
    """No answer is kept."""
    execute_all(["DROP TABLE idempotency"])
