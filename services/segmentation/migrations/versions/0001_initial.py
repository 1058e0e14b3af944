"""The bus tables, what every service has, and segmentation's own: profiles, orders, timeline, segments."""

from collections.abc import Sequence

from libs.eventbus import schema
from libs.servicekit.audit import audit_tables
from libs.servicekit.jobs import job_tables
from libs.servicekit.migrations import execute_all
from libs.servicekit.tenancy import enable_tenancy, merchant_tables

revision = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_SERVICE = "segmentation"

_STORE = """
    CREATE TABLE store (
        merchant_no int4 NOT NULL, store_id uuid NOT NULL, version int8 NOT NULL, platform text NOT NULL,
        account text NOT NULL, site text, name text, currency text NOT NULL, time_zone text NOT NULL,
        PRIMARY KEY (merchant_no, store_id)
    )
"""
# One row per customer id ever heard of; with merged_into it is an alias and its sums are nothing. No column that an
# order changes is indexed and the pages keep room, so that a new order is an update in place.
_CUSTOMER = """
    CREATE TABLE customer (
        merchant_no int4 NOT NULL, customer_id uuid NOT NULL,
        identity_version int8 NOT NULL DEFAULT 0, anonymous bool NOT NULL DEFAULT false, store_id uuid,
        time_zone text, locale text, registered_at timestamptz, erased_at timestamptz,
        merged_into uuid, merged_version int8 NOT NULL DEFAULT 0,
        orders int8 NOT NULL DEFAULT 0, items int8 NOT NULL DEFAULT 0, spend_minor int8 NOT NULL DEFAULT 0,
        foreign_orders int8 NOT NULL DEFAULT 0, discounted_orders int8 NOT NULL DEFAULT 0,
        refunds int8 NOT NULL DEFAULT 0, refunded_minor int8 NOT NULL DEFAULT 0,
        first_order_at timestamptz, last_order_at timestamptz,
        first_qualifying_at timestamptz, second_qualifying_at timestamptz,
        month_mask bytea NOT NULL DEFAULT '',
        PRIMARY KEY (merchant_no, customer_id)
    ) WITH (fillfactor = 70)
"""
# The newest state of each order; without a version only later facts of it were heard. customer_id is the owner now,
# buyer_id the one that the order named; spend_minor is goods_minor in the merchant's currency.
_ORDER = """
    CREATE TABLE customer_order (
        merchant_no int4 NOT NULL, order_id uuid NOT NULL, customer_id uuid NOT NULL, buyer_id uuid, store_id uuid,
        version int8, edited bool, placed_at timestamptz, month int4, currency text, goods_minor int8, items int8,
        discounted bool, gift_card_lines text, fx_to text, fx_rate numeric,
        cancelled_at timestamptz, deleted_at timestamptz, refunded_at timestamptz, spend_minor int8,
        PRIMARY KEY (order_id, merchant_no)
    )
"""
# Where a table has two indexes, neither begins with the merchant: while the table is empty or never analysed, "this
# merchant" looks as selective as "this order", and a probe planned then would read the merchant's whole history.
_ORDER_BY_CUSTOMER = "CREATE INDEX customer_order_time ON customer_order (customer_id, merchant_no, placed_at)"
# For figures as of an instant: who had an order cancelled since. Partial, so that no probe of the fold can mistake it.
_CANCELLED = """
    CREATE INDEX customer_order_cancelled ON customer_order (merchant_no, cancelled_at) WHERE cancelled_at IS NOT NULL
"""
_REFUND = """
    CREATE TABLE order_refund (
        merchant_no int4 NOT NULL, order_id uuid NOT NULL, refund_id uuid NOT NULL, version int8 NOT NULL,
        at timestamptz NOT NULL, currency text NOT NULL, amount_minor int8 NOT NULL, goods jsonb NOT NULL,
        completes bool NOT NULL, goods_back_minor int8, money_back_minor int8,
        PRIMARY KEY (merchant_no, order_id, refund_id)
    )
"""
_MONTH = """
    CREATE TABLE customer_month (
        merchant_no int4 NOT NULL, customer_id uuid NOT NULL, month int4 NOT NULL, orders int4 NOT NULL,
        spend_minor int8 NOT NULL, PRIMARY KEY (merchant_no, customer_id, month)
    ) WITH (fillfactor = 85)
"""
_TIMELINE = """
    CREATE TABLE timeline (
        merchant_no int4 NOT NULL, customer_id uuid NOT NULL, at timestamptz NOT NULL, entry_id uuid NOT NULL,
        kind text NOT NULL, order_id uuid, details jsonb NOT NULL,
        PRIMARY KEY (merchant_no, customer_id, at, entry_id)
    )
"""
_SEGMENTS = (
    """
    CREATE TABLE segment (
        merchant_no int4 NOT NULL, segment_id uuid NOT NULL, name text NOT NULL, current_version int4 NOT NULL,
        PRIMARY KEY (merchant_no, segment_id)
    )
    """,
    """
    CREATE TABLE segment_version (
        merchant_no int4 NOT NULL, segment_id uuid NOT NULL, version int4 NOT NULL, rule jsonb NOT NULL,
        effective_at timestamptz NOT NULL, PRIMARY KEY (merchant_no, segment_id, version)
    )
    """,
    """
    CREATE TABLE segment_stay (
        merchant_no int4 NOT NULL, segment_id uuid NOT NULL, customer_id uuid NOT NULL, entered_by uuid NOT NULL,
        version int4 NOT NULL, entered_at timestamptz NOT NULL, left_at timestamptz, left_by uuid,
        PRIMARY KEY (segment_id, customer_id, entered_by, merchant_no), CHECK (left_at >= entered_at)
    )
    """,
    """
    CREATE UNIQUE INDEX segment_stay_open ON segment_stay (customer_id, segment_id, merchant_no) WHERE left_at IS NULL
    """,
)
_TABLES = (
    "store",
    "customer",
    "customer_order",
    "order_refund",
    "customer_month",
    "timeline",
    "segment",
    "segment_version",
    "segment_stay",
)


def upgrade() -> None:
    execute_all(schema.UPGRADE)
    execute_all(merchant_tables(_SERVICE))
    execute_all(job_tables(_SERVICE))
    execute_all(audit_tables(_SERVICE))
    execute_all((_STORE, _CUSTOMER, _ORDER, _ORDER_BY_CUSTOMER, _CANCELLED, _REFUND, _MONTH, _TIMELINE, *_SEGMENTS))
    for table in _TABLES:
        execute_all(enable_tenancy(table, _SERVICE))


def downgrade() -> None:
    execute_all([f"DROP TABLE {table}" for table in reversed(_TABLES)])
    execute_all(["DROP TABLE audit_log", "DROP TABLE job", "DROP FUNCTION set_tenant(uuid)", "DROP TABLE merchant"])
    execute_all(schema.DOWNGRADE)
