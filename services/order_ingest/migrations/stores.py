"""Revision 0001: stores and their secrets."""

from libs.servicekit.tenancy import enable_tenancy

_SERVICE = "order_ingest"

UPGRADE = (
    """
    CREATE TABLE store (
        merchant_no int4 NOT NULL,
        store_no int4 GENERATED ALWAYS AS IDENTITY UNIQUE,
        store_id uuid NOT NULL,
        platform text NOT NULL,
        account text NOT NULL,
        site text NOT NULL DEFAULT '',
        domain text,
        name text,
        currency text NOT NULL,
        time_zone text NOT NULL,
        locale text,
        policy_pack text,
        return_window_days int2 NOT NULL,
        endpoint_token text NOT NULL UNIQUE,
        version int4 NOT NULL DEFAULT 1,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, store_id),
        UNIQUE (merchant_no, platform, account, site)
    )
    """,
    # Up to two keys sign at a time; ciphertext only, bound to its row.
    """
    CREATE TABLE store_secret (
        merchant_no int4 NOT NULL,
        store_no int4 NOT NULL,
        secret_id uuid NOT NULL,
        secret_enc bytea NOT NULL,
        created_at timestamptz NOT NULL,
        not_after timestamptz,
        PRIMARY KEY (merchant_no, store_no, secret_id)
    )
    """,
    *enable_tenancy("store", _SERVICE),
    *enable_tenancy("store_secret", _SERVICE),
    "GRANT SELECT ON merchant, store, store_secret TO order_ingest_intake",
    "CREATE POLICY intake_reads ON merchant FOR SELECT TO order_ingest_intake USING (true)",
    "CREATE POLICY intake_reads ON store FOR SELECT TO order_ingest_intake USING (true)",
    "CREATE POLICY intake_reads ON store_secret FOR SELECT TO order_ingest_intake USING (true)",
)
