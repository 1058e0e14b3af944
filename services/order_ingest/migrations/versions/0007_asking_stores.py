"""How a store's own API is reached, how far it was asked, and the calls to it.

Revision ID: 0007
Revises: 0006
"""

from libs.servicekit.effects import EFFECTS_BY_OWN_KEY, effect_tables
from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# `pulling_since`: a pull is under way that began then. `pulled_until`: nothing older is missing.
_ACCESS = """
    CREATE TABLE store_access (
        merchant_no int4 NOT NULL,
        store_no int4 NOT NULL,
        origin text,
        secrets_enc bytea NOT NULL,
        pulled_until timestamptz NOT NULL,
        swept_at timestamptz NOT NULL,
        pulling_since timestamptz,
        orders int8 NOT NULL DEFAULT 0,
        last_success_at timestamptz,
        last_failure_at timestamptz,
        last_failure text,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (store_no, merchant_no)
    )
"""


def upgrade() -> None:
    execute_all([_ACCESS, *enable_tenancy("store_access", "order_ingest")])
    execute_all(effect_tables("order_ingest"))
    execute_all(EFFECTS_BY_OWN_KEY)


def downgrade() -> None:
    execute_all(["DROP TABLE effect", "DROP TABLE store_access"])
