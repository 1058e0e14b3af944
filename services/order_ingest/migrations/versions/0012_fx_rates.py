"""Exchange rates as operators feed them, and the one that is pinned in an order.

Revision ID: 0012
Revises: 0011
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Rows are added and never changed: what an order has pinned can always be found. `fed_no` says which of several
# rates of one instant was fed last.
_FX_RATE = """
    CREATE TABLE fx_rate (
        merchant_no int4 NOT NULL,
        from_currency text NOT NULL,
        to_currency text NOT NULL,
        valid_from timestamptz NOT NULL,
        fed_no int8 GENERATED ALWAYS AS IDENTITY,
        rate numeric NOT NULL CHECK (rate > 0),
        source text NOT NULL,
        fed_at timestamptz NOT NULL,
        PRIMARY KEY (from_currency, to_currency, merchant_no, valid_from, fed_no),
        CHECK (from_currency <> to_currency)
    )
"""


def upgrade() -> None:
    execute_all(
        [
            _FX_RATE,
            *enable_tenancy("fx_rate", "order_ingest"),
            "REVOKE UPDATE, DELETE, TRUNCATE ON fx_rate FROM order_ingest_api, order_ingest_worker",
            # Null for an order in the merchant's own currency, and for one for which no rate had been fed.
            "ALTER TABLE customer_order ADD COLUMN fx text",
        ]
    )


def downgrade() -> None:
    execute_all(["ALTER TABLE customer_order DROP COLUMN fx", "DROP TABLE fx_rate"])
