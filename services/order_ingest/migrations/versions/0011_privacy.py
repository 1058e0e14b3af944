"""What is left of an erased customer, requests about privacy with their answers, stores that left.

Revision ID: 0011
Revises: 0009
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_CUSTOMER = {"erased_at": "timestamptz", "born_after": "timestamptz", "former_id": "uuid"}
_OUTCOME = ("customer_id", "recipient_id")
_TABLES = (
    """
    CREATE TABLE privacy_request (
        merchant_no int4 NOT NULL,
        request_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('erasure', 'data_export', 'store_erasure')),
        store_no int4 NOT NULL,
        customer_id uuid,
        source text NOT NULL,
        asked_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        closed_at timestamptz,
        PRIMARY KEY (request_id, merchant_no)
    )
    """,
    "CREATE INDEX privacy_request_by_time ON privacy_request (asked_at, merchant_no)",
    # One row for each part of each service's answer; `data_enc` of an export is cleared when it was kept long enough.
    """
    CREATE TABLE privacy_answer (
        request_id uuid NOT NULL,
        service text NOT NULL,
        part int4 NOT NULL,
        merchant_no int4 NOT NULL,
        parts int4 NOT NULL,
        data_enc bytea,
        answered_at timestamptz NOT NULL,
        PRIMARY KEY (request_id, service, part, merchant_no)
    )
    """,
    *enable_tenancy("privacy_request", "order_ingest"),
    *enable_tenancy("privacy_answer", "order_ingest"),
)


def upgrade() -> None:
    execute_all([f"ALTER TABLE customer ADD COLUMN {name} {kind}" for name, kind in _CUSTOMER.items()])
    execute_all(["CREATE INDEX customer_absorbed ON customer (merged_into, merchant_no) WHERE merged_into IS NOT NULL"])
    execute_all(["ALTER TABLE store ADD COLUMN disconnected_at timestamptz"])
    for name in _OUTCOME:
        execute_all(
            [
                f"ALTER TABLE delivery_outcome ADD COLUMN {name} uuid",
                f"CREATE INDEX outcome_{name} ON delivery_outcome ({name}, merchant_no) WHERE {name} IS NOT NULL",
            ]
        )
    execute_all(_TABLES)


def downgrade() -> None:
    execute_all(["DROP TABLE privacy_answer", "DROP TABLE privacy_request"])
    execute_all([f"ALTER TABLE delivery_outcome DROP COLUMN {name}" for name in _OUTCOME])
    execute_all(["ALTER TABLE store DROP COLUMN disconnected_at", "DROP INDEX customer_absorbed"])
    execute_all([f"ALTER TABLE customer DROP COLUMN {name}" for name in _CUSTOMER])
