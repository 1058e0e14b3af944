"""Revision 0001: canonical orders with their history, customers with their identities, products."""

from libs.servicekit.tenancy import enable_tenancy

_SERVICE = "order_ingest"

UPGRADE = (
    # `content` is the whole order as one compressed JSON document; the columns are what is searched and summed.
    """
    CREATE TABLE customer_order (
        merchant_no int4 NOT NULL,
        order_id uuid NOT NULL,
        store_no int4 NOT NULL,
        external_id text NOT NULL,
        customer_id uuid,
        number text,
        placed_at timestamptz,
        currency text,
        financial_status text,
        goods_minor int8 NOT NULL DEFAULT 0,
        discount_minor int8 NOT NULL DEFAULT 0,
        total_minor int8 NOT NULL DEFAULT 0,
        refunded_minor int8 NOT NULL DEFAULT 0,
        return_window_days int2,
        line_count int4 NOT NULL DEFAULT 0,
        item_count int8 NOT NULL DEFAULT 0,
        paid_at timestamptz,
        cancelled_at timestamptz,
        cancel_reason text,
        deleted_at timestamptz,
        version_us int8,
        source_rank int2,
        triggered_us int8,
        body_hash text,
        content_hash bytea,
        told int2 NOT NULL DEFAULT 0,
        refunds text,
        content bytea,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, order_id)
    ) WITH (fillfactor = 90, toast_tuple_target = 8160)
    """,
    "ALTER TABLE customer_order ALTER COLUMN content SET STORAGE EXTERNAL",
    "CREATE INDEX customer_order_of_customer ON customer_order (merchant_no, customer_id)",
    "CREATE INDEX customer_order_by_time ON customer_order (merchant_no, placed_at, order_id)",
    "CREATE INDEX customer_order_external ON customer_order (merchant_no, external_id)",
    """
    CREATE TABLE order_version (
        merchant_no int4 NOT NULL,
        order_id uuid NOT NULL,
        entry_no int8 GENERATED ALWAYS AS IDENTITY,
        cause_id uuid NOT NULL,
        recorded_at timestamptz NOT NULL,
        source text NOT NULL,
        version_us int8,
        facts text NOT NULL,
        total_minor int8 NOT NULL,
        refunded_minor int8 NOT NULL,
        financial_status text,
        PRIMARY KEY (merchant_no, order_id, entry_no)
    )
    """,
    """
    CREATE TABLE customer (
        merchant_no int4 NOT NULL,
        customer_id uuid NOT NULL,
        strength int2 NOT NULL,
        store_id uuid NOT NULL,
        identity_version int4 NOT NULL,
        platform_stores int4[] NOT NULL,
        description_enc bytea,
        consents text,
        merged_into uuid,
        registered_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, customer_id)
    ) WITH (fillfactor = 80)
    """,
    "CREATE INDEX customer_by_time ON customer (merchant_no, registered_at, customer_id)",
    # E-mail and phone stand here as keyed hashes only (store_no 0); a platform's id in clear, with its store.
    """
    CREATE TABLE identity (
        merchant_no int4 NOT NULL,
        strength int2 NOT NULL,
        store_no int4 NOT NULL,
        value text NOT NULL,
        customer_id uuid NOT NULL,
        PRIMARY KEY (merchant_no, strength, store_no, value)
    )
    """,
    "CREATE INDEX identity_of_customer ON identity (merchant_no, customer_id)",
    """
    CREATE TABLE product (
        merchant_no int4 NOT NULL,
        product_id uuid NOT NULL,
        store_no int4 NOT NULL,
        external_id text NOT NULL,
        title text NOT NULL,
        brand text,
        category_path text[] NOT NULL,
        material text,
        category_type text,
        units int8,
        version_us int8 NOT NULL,
        digest bytea NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, product_id)
    )
    """,
    "CREATE INDEX product_external ON product (merchant_no, external_id)",
    *(
        statement
        for table in ("customer_order", "order_version", "customer", "identity", "product")
        for statement in enable_tenancy(table, _SERVICE)
    ),
)
