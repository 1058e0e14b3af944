"""An erased person's account bears the erasure, and the words that people wrote about them can be cleared.

Entries stay append-only but for their reason: amounts and instants of a forgotten person still add up.

Revision ID: 0004
Revises: 0003
"""

from libs.servicekit.migrations import execute_all

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(
        [
            "ALTER TABLE account ADD COLUMN erased_at timestamptz",
            "GRANT UPDATE (reason) ON txn TO loyalty_worker",
        ]
    )


def downgrade() -> None:
    execute_all(
        [
            "REVOKE UPDATE (reason) ON txn FROM loyalty_worker",
            "ALTER TABLE account DROP COLUMN erased_at",
        ]
    )
