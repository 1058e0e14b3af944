"""Happenings that were told: reviews, messages, events and the like.

Revision ID: 0005
Revises: 0004
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_all(
        [
            """
            CREATE TABLE happening (
                digest bytea PRIMARY KEY,
                merchant_no int4 NOT NULL,
                recorded_at timestamptz NOT NULL
            )
            """,
            *enable_tenancy("happening", "order_ingest"),
        ]
    )


def downgrade() -> None:
    execute_all(["DROP TABLE happening"])
