"""Whose an order or a name was before its customer's life ended in another's.

Revision ID: 0013
Revises: 0012
"""

from libs.servicekit.migrations import execute_all

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Null where the owner has always been the same: a merge notes the absorbed one, an unmerge takes the note away.
_COLUMNS = (
    ("identity", "origin_id", "uuid"),
    ("customer_order", "origin_id", "uuid"),
)


def upgrade() -> None:
    execute_all([f"ALTER TABLE {table} ADD COLUMN {name} {kind}" for table, name, kind in _COLUMNS])


def downgrade() -> None:
    execute_all([f"ALTER TABLE {table} DROP COLUMN {name}" for table, name, _ in _COLUMNS])
