"""Stored answers know whom they describe: an erasure empties them.

Those of before are emptied here, since nobody can tell whom they describe: a repeated request gets no body.

Revision ID: 0005
Revises: 0004
"""

from libs.servicekit.idempotency import customers_in_answers
from libs.servicekit.migrations import execute_all

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all([*customers_in_answers(), "UPDATE idempotency SET body = '' WHERE body <> ''"])


def downgrade() -> None:
    execute_all(["DROP INDEX idempotency_about", "ALTER TABLE idempotency DROP COLUMN customer_id"])
