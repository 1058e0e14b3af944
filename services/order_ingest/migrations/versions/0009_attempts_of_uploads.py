"""Which attempt at an upload the chunks of an import belong to.

Revision ID: 0009
Revises: 0008
"""

from libs.servicekit.migrations import execute_all

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(["ALTER TABLE import ADD COLUMN attempt uuid"])


def downgrade() -> None:
    execute_all(["ALTER TABLE import DROP COLUMN attempt"])
