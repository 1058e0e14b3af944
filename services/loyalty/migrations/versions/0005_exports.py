"""Lots that are used up and holds that have ended are found by their account, for an answer of all that is kept.

Both indexes are partial: what is spent from looks for live rows alone, and must not walk through those of years ago.

Revision ID: 0005
Revises: 0004
"""

from libs.servicekit.migrations import execute_all

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(
        [
            "CREATE INDEX lot_used_up ON lot (account_id) WHERE remaining = 0",
            "CREATE INDEX hold_ended ON hold (account_id) WHERE state <> 'open'",
        ]
    )


def downgrade() -> None:
    execute_all(["DROP INDEX lot_used_up", "DROP INDEX hold_ended"])
