"""New epochs after a restore: lineage, trail, halted lanes and forgotten events."""

from libs.eventbus import schema_epochs
from libs.servicekit.migrations import execute_all

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The tables stand, empty: a trail begins with the first event from here on."""
    execute_all(schema_epochs.UPGRADE)


def downgrade() -> None:
    """Nothing of epochs is left."""
    execute_all(schema_epochs.DOWNGRADE)
