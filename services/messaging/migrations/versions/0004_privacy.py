"""An alias says nothing about its person: what it said is the survivor's since the merge.

Revision ID: 0004
Revises: 0003
"""

from libs.servicekit.migrations import execute_all

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(["UPDATE contact SET locale = NULL, time_zone = NULL WHERE merged_into IS NOT NULL"])


def downgrade() -> None:
    """What was cleared is known to order-ingest, which tells it again with the next change."""
