"""Which hooks a store's platform was known to have, and what became of those that it deleted.

Revision ID: 0017
Revises: 0016
"""

from libs.servicekit.migrations import execute_all

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null: nothing is known yet. Beside `subscriptions`, of which a failure leaves nothing standing.
    execute_all(["ALTER TABLE store_access ADD COLUMN hooks_known jsonb"])


def downgrade() -> None:
    execute_all(["ALTER TABLE store_access DROP COLUMN hooks_known"])
