"""Revision 0001: deliveries as a lane-sequenced log in daily partitions, their dedupe ids, their outcomes."""

from libs.servicekit.tenancy import enable_tenancy

_SERVICE = "order_ingest"

UPGRADE = (
    # The counter's row lock makes commit order sequence order: a reader of a lane never meets a gap.
    """
    CREATE TABLE intake_lane (lane int2 PRIMARY KEY, next_seq int8 NOT NULL DEFAULT 1)
    WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)
    """,
    # How far the normaliser has come; another table than the counter, or writers and reader would block each other.
    """
    CREATE TABLE intake_mark (lane int2 PRIMARY KEY, last_seq int8 NOT NULL DEFAULT 0)
    WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)
    """,
    "INSERT INTO intake_lane (lane) SELECT n FROM generate_series(0, 63) n",
    "INSERT INTO intake_mark (lane) SELECT n FROM generate_series(0, 63) n",
    # Deliveries lie in daily partitions, whose unique index cannot span days: what was seen is remembered here.
    """
    CREATE TABLE webhook_dedupe (
        merchant_no int4 NOT NULL, store_no int4 NOT NULL, dedupe bytea NOT NULL, received_at timestamptz NOT NULL,
        PRIMARY KEY (merchant_no, store_no, dedupe)
    )
    """,
    "CREATE INDEX webhook_dedupe_age ON webhook_dedupe USING brin (received_at)",
    """
    CREATE TABLE webhook_delivery (
        lane int2 NOT NULL,
        seq int8 NOT NULL,
        received_at timestamptz NOT NULL,
        delivery_id uuid NOT NULL,
        merchant_no int4 NOT NULL,
        store_no int4 NOT NULL,
        topic text,
        triggered_at timestamptz,
        origin text NOT NULL DEFAULT 'live',
        correlation_id text NOT NULL,
        traceparent text,
        body_sha256 bytea NOT NULL,
        body_enc bytea NOT NULL,
        PRIMARY KEY (lane, seq, received_at)
    ) PARTITION BY RANGE (received_at)
    """,
    # Bodies come compressed: the server need not try again.
    "ALTER TABLE webhook_delivery ALTER COLUMN body_enc SET STORAGE EXTERNAL",
    "CREATE INDEX webhook_delivery_of_merchant ON webhook_delivery (merchant_no, received_at, seq)",
    "CREATE INDEX webhook_delivery_id ON webhook_delivery (delivery_id)",
    # Added once per delivery, never changed: bodies need not be rewritten to note how they ended.
    """
    CREATE TABLE delivery_outcome (
        merchant_no int4 NOT NULL,
        lane int2 NOT NULL,
        seq int8 NOT NULL,
        received_at timestamptz NOT NULL,
        state text NOT NULL,
        reason text,
        settled_at timestamptz NOT NULL,
        PRIMARY KEY (lane, seq, received_at)
    ) PARTITION BY RANGE (received_at)
    """,
    "CREATE INDEX delivery_outcome_parked ON delivery_outcome (merchant_no, received_at) WHERE state = 'parked'",
    *enable_tenancy("webhook_dedupe", _SERVICE),
    *enable_tenancy("webhook_delivery", _SERVICE),
    *enable_tenancy("delivery_outcome", _SERVICE),
    *(
        f"CREATE POLICY intake_adds ON {table} FOR INSERT TO order_ingest_intake WITH CHECK (true)"
        for table in ("webhook_dedupe", "webhook_delivery")
    ),
    # RETURNING tells which ids were new, and needs to see them.
    "CREATE POLICY intake_sees ON webhook_dedupe FOR SELECT TO order_ingest_intake USING (true)",
    "GRANT SELECT, INSERT ON webhook_dedupe TO order_ingest_intake",
    "GRANT INSERT ON webhook_delivery TO order_ingest_intake",
    "GRANT SELECT, UPDATE ON intake_lane TO order_ingest_intake",
    # SECURITY DEFINER: processes make and drop days without owning the tables. A child is closed to direct access
    # (row security without any policy): all reading and writing goes through its parent's policies.
    """
    CREATE FUNCTION intake_ensure_days(_from date, _days int4) RETURNS int4
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
    DECLARE
        _day date;
        _table text;
        _child text;
        _made int4 := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('order_ingest.intake.days'));
        FOREACH _table IN ARRAY ARRAY['webhook_delivery', 'delivery_outcome'] LOOP
            FOR _day IN SELECT _from + n FROM generate_series(0, _days) n LOOP
                _child := format('%s_%s', _table, to_char(_day, 'YYYYMMDD'));
                CONTINUE WHEN to_regclass(_child) IS NOT NULL;
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)%s', _child, _table,
                    _day::timestamp AT TIME ZONE 'UTC', (_day + 1)::timestamp AT TIME ZONE 'UTC',
                    CASE WHEN _table = 'webhook_delivery' THEN ' WITH (toast_tuple_target = 8160)' ELSE '' END);
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', _child);
                EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', _child);
                _made := _made + 1;
            END LOOP;
        END LOOP;
        RETURN _made;
    END $$
    """,
    # A day goes only when the normaliser has passed every delivery in it; looking and dropping are one step.
    """
    CREATE FUNCTION intake_drop_day(_day text) RETURNS bool
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET lock_timeout = '200ms' AS $$
    DECLARE
        _child text := 'webhook_delivery_' || _day;
        _kept bool;
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'webhook_delivery'::regclass
                       AND inhrelid = to_regclass(_child)) THEN RETURN false; END IF;
        EXECUTE format('LOCK TABLE webhook_delivery, delivery_outcome, %I IN ACCESS EXCLUSIVE MODE', _child);
        SELECT EXISTS (SELECT 1 FROM intake_mark m CROSS JOIN LATERAL (
            SELECT 1 FROM webhook_delivery d WHERE d.lane = m.lane AND d.seq > m.last_seq
              AND d.received_at >= to_date(_day, 'YYYYMMDD')::timestamp AT TIME ZONE 'UTC'
              AND d.received_at < (to_date(_day, 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' LIMIT 1) x) INTO _kept;
        IF _kept THEN RETURN false; END IF;
        EXECUTE format('DROP TABLE %I', _child);
        EXECUTE format('DROP TABLE IF EXISTS %I', 'delivery_outcome_' || _day);
        RETURN true;
    END $$
    """,
)
