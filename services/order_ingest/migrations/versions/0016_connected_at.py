"""When a store's access was last put: notices from before say nothing about it.

Revision ID: 0016
Revises: 0015
"""

from libs.servicekit.migrations import execute_all

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null where it was put before this version, or never: any notice is believed there.
    execute_all(["ALTER TABLE store ADD COLUMN connected_at timestamptz"])


def downgrade() -> None:
    execute_all(["ALTER TABLE store DROP COLUMN connected_at"])
