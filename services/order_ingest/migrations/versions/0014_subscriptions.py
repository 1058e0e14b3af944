"""Which hooks a store's platform says it has for the store.

Revision ID: 0014
Revises: 0013
"""

from libs.servicekit.migrations import execute_all

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# All null until the platform was asked once. `subscriptions_since`: a question is under way that began then.
_COLUMNS = (
    ("subscriptions", "jsonb"),
    ("subscriptions_at", "timestamptz"),
    ("subscriptions_failure", "text"),
    ("subscriptions_since", "timestamptz"),
)


def upgrade() -> None:
    execute_all([f"ALTER TABLE store_access ADD COLUMN {name} {kind}" for name, kind in _COLUMNS])


def downgrade() -> None:
    execute_all([f"ALTER TABLE store_access DROP COLUMN {name}" for name, _ in _COLUMNS])
