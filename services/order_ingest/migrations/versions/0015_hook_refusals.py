"""Deliveries refused at a store's hook, by day and reason.

Revision ID: 0015
Revises: 0014
"""

from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The day first: old days go by it, and a store's last seven are seven places.
_TABLE = """
    CREATE TABLE hook_refusal (
        merchant_no int4 NOT NULL,
        store_no int4 NOT NULL,
        day date NOT NULL,
        reason text NOT NULL,
        count int8 NOT NULL CHECK (count > 0),
        last_at timestamptz NOT NULL,
        PRIMARY KEY (day, store_no, reason, merchant_no)
    ) WITH (fillfactor = 50)
"""
# SECURITY DEFINER: the hook path has no right to the table itself, so it can add up, and neither read nor take away
# (the check holds for what is added, too). Sorted: two processes take their locks in one order.
_ADD = """
    CREATE FUNCTION hook_refused(_merchants int4[], _stores int4[], _reasons text[], _counts int8[],
        _last_ats timestamptz[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
        INSERT INTO hook_refusal AS r (day, store_no, reason, merchant_no, count, last_at)
        SELECT (x.last_at AT TIME ZONE 'UTC')::date, x.store_no, x.reason, x.merchant_no, x.count, x.last_at
        FROM unnest(_merchants, _stores, _reasons, _counts, _last_ats) x(merchant_no, store_no, reason, count, last_at)
        ORDER BY 1, 2, 3, 4
        ON CONFLICT (day, store_no, reason, merchant_no) DO UPDATE
            SET count = r.count + excluded.count, last_at = greatest(r.last_at, excluded.last_at)
    $$
"""
_SIGNATURE = "hook_refused(int4[], int4[], text[], int8[], timestamptz[])"


def upgrade() -> None:
    execute_all(
        [
            _TABLE,
            *enable_tenancy("hook_refusal", "order_ingest"),
            "REVOKE INSERT, UPDATE, TRUNCATE ON hook_refusal FROM order_ingest_api, order_ingest_worker",
            "REVOKE DELETE ON hook_refusal FROM order_ingest_api",
            _ADD,
            f"REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC, order_ingest_api, order_ingest_worker",
            f"GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO order_ingest_intake",
        ]
    )


def downgrade() -> None:
    execute_all([f"DROP FUNCTION {_SIGNATURE}", "DROP TABLE hook_refusal"])
