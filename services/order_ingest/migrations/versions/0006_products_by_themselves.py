"""What products say of themselves: daily use, care, price; and who described them.

Revision ID: 0006
Revises: 0005
"""

from libs.servicekit.migrations import execute_all

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = {
    "daily_use": "numeric",
    "care_tips": "text[] NOT NULL DEFAULT '{}'",
    "price_minor": "int8",
    # Rows of before were described by order lines.
    "described_by": "int2 NOT NULL DEFAULT 0",
}


def upgrade() -> None:
    execute_all([f"ALTER TABLE product ADD COLUMN {name} {kind}" for name, kind in _COLUMNS.items()])


def downgrade() -> None:
    execute_all([f"ALTER TABLE product DROP COLUMN {name}" for name in _COLUMNS])
