"""The bus tables of a service's database, as statements for its first migration."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_SOURCE_TABLES: Sequence[str] = (
    # The writers' counter: its row lock makes commit order sequence order. Nearly empty pages keep updates HOT.
    """
    CREATE TABLE outbox_lane (
        topic text NOT NULL, lane int2 NOT NULL, next_seq int8 NOT NULL DEFAULT 1,
        chain bytea NOT NULL, epoch int4 NOT NULL DEFAULT 0, PRIMARY KEY (topic, lane)
    ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500)
    """,
    # The relay's position stands in another table, or relay and writers would block each other.
    """
    CREATE TABLE outbox_cursor (
        bus text NOT NULL, topic text NOT NULL, lane int2 NOT NULL, published int8 NOT NULL DEFAULT 0,
        PRIMARY KEY (bus, topic, lane)
    ) WITH (fillfactor = 10)
    """,
    # Headers are JSON as text: jsonb would cost the relay a third of its rate.
    """
    CREATE TABLE outbox (
        topic text NOT NULL, lane int2 NOT NULL, seq int8 NOT NULL, event_id uuid NOT NULL, chain bytea NOT NULL,
        merchant_id uuid NOT NULL, subject text NOT NULL, type text NOT NULL, headers text NOT NULL,
        payload bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (topic, lane, seq, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    # Highest sequence ever dropped + 1. It only rises; the smallest row still held would be no such promise.
    """
    CREATE TABLE outbox_floor (
        topic text NOT NULL, lane int2 NOT NULL, floor int8 NOT NULL DEFAULT 1, PRIMARY KEY (topic, lane)
    )
    """,
    # Groups that read this source and the marks that they reported; -1 = registered, nothing reported yet.
    """
    CREATE TABLE consumer_group_member (
        consumer_group text NOT NULL, topic text NOT NULL, lane int2 NOT NULL, mark int8 NOT NULL DEFAULT -1,
        registered_at timestamptz NOT NULL, reported_at timestamptz,
        PRIMARY KEY (consumer_group, topic, lane)
    )
    """,
    # Which physical database said the facts so far: another one after a restore must not go on by itself.
    """
    CREATE TABLE source_identity (
        one bool PRIMARY KEY DEFAULT true CHECK (one), system_identifier text NOT NULL, timeline text NOT NULL,
        database_oid int8 NOT NULL, stored_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)

_READER_TABLES: Sequence[str] = (
    """
    CREATE TABLE inbox_lane (
        consumer_group text NOT NULL, source text NOT NULL, topic text NOT NULL, lane int2 NOT NULL,
        epoch int4 NOT NULL DEFAULT 0, last_seq int8 NOT NULL, chain bytea, gap_since timestamptz, gap_high int8,
        updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (consumer_group, source, topic, lane)
    ) WITH (fillfactor = 20)
    """,
    # Failed events and those that wait behind one. Open rows never age out. `subject` is the record key.
    """
    CREATE TABLE parked_event (
        consumer_group text NOT NULL, source text NOT NULL, topic text NOT NULL, lane int2 NOT NULL,
        seq int8 NOT NULL, merchant_id uuid, subject text NOT NULL, event jsonb NOT NULL, error text,
        failed boolean NOT NULL,
        status text NOT NULL DEFAULT 'parked' CHECK (status IN ('parked', 'replayed', 'discarded')),
        parked_at timestamptz NOT NULL DEFAULT now(), resolved_at timestamptz, resolved_by text, reason text,
        PRIMARY KEY (consumer_group, source, topic, lane, seq)
    )
    """,
    "CREATE INDEX parked_open ON parked_event (consumer_group, topic, subject) WHERE status = 'parked'",
    """
    CREATE TABLE attempt (
        consumer_group text NOT NULL, source text NOT NULL, topic text NOT NULL, lane int2 NOT NULL,
        seq int8 NOT NULL, n int2 NOT NULL, PRIMARY KEY (consumer_group, source, topic, lane, seq)
    )
    """,
    """
    CREATE TABLE worker_start (
        consumer_group text NOT NULL, instance text NOT NULL, started_at timestamptz NOT NULL,
        ended_at timestamptz, PRIMARY KEY (consumer_group, instance)
    )
    """,
    # Records without a readable envelope, raw. The digest keeps a re-read of one record from counting as another.
    """
    CREATE TABLE bus_garbage (
        consumer_group text NOT NULL, topic text NOT NULL, partition int4 NOT NULL, record_offset int8 NOT NULL,
        digest bytea NOT NULL, source text, lane int2, seq int8, record_key text NOT NULL, headers text NOT NULL,
        payload bytea NOT NULL, error text NOT NULL, seen_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (consumer_group, topic, partition, record_offset, digest)
    )
    """,
    "CREATE INDEX bus_garbage_place ON bus_garbage (consumer_group, source, topic, lane, seq) WHERE seq IS NOT NULL",
)

# SECURITY DEFINER: workers make and drop the outbox's days without owning its tables.
_FUNCTIONS: Sequence[str] = (
    """
    CREATE FUNCTION outbox_ensure_days(_from date, _days int4) RETURNS int4
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
    DECLARE
        _day date;
        _made int4 := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('eventbus.outbox.days'));
        FOR _day IN SELECT _from + n FROM generate_series(0, _days) n LOOP
            CONTINUE WHEN to_regclass(format('outbox_%s', to_char(_day, 'YYYYMMDD'))) IS NOT NULL;
            EXECUTE format(
                'CREATE TABLE outbox_%s PARTITION OF outbox FOR VALUES FROM (%L) TO (%L)',
                to_char(_day, 'YYYYMMDD'),
                _day::timestamp AT TIME ZONE 'UTC', (_day + 1)::timestamp AT TIME ZONE 'UTC');
            _made := _made + 1;
        END LOOP;
        RETURN _made;
    END $$
    """,
    # Looking and dropping are one step: no row can slip in at or above the floor (a clock step back puts one there).
    # The short lock_timeout bounds how long writers can queue behind the lock; the caller simply comes again.
    """
    CREATE FUNCTION outbox_drop_day(_child text) RETURNS bool
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET lock_timeout = '200ms' AS $$
    DECLARE
        _kept bool;
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'outbox'::regclass
                       AND inhrelid = to_regclass(_child)) THEN RETURN false; END IF;
        EXECUTE format('LOCK TABLE outbox, %I IN ACCESS EXCLUSIVE MODE', _child);
        EXECUTE format(
            'SELECT EXISTS (SELECT 1 FROM outbox_floor f CROSS JOIN LATERAL (SELECT 1 FROM %I c'
            ' WHERE c.topic = f.topic AND c.lane = f.lane AND c.seq >= f.floor LIMIT 1) x)', _child) INTO _kept;
        IF _kept THEN RETURN false; END IF;
        EXECUTE format('DROP TABLE %I', _child);
        RETURN true;
    END $$
    """,
)

UPGRADE: Sequence[str] = (*_SOURCE_TABLES, *_READER_TABLES, *_FUNCTIONS)

DOWNGRADE: Sequence[str] = (
    "DROP FUNCTION outbox_drop_day(text)",
    "DROP FUNCTION outbox_ensure_days(date, int4)",
    *(
        f"DROP TABLE {table}"
        for table in (
            "bus_garbage",
            "worker_start",
            "attempt",
            "parked_event",
            "inbox_lane",
            "source_identity",
            "consumer_group_member",
            "outbox_floor",
            "outbox",
            "outbox_cursor",
            "outbox_lane",
        )
    ),
)

DAYS_AHEAD = 3
_ENSURE = text("SELECT outbox_ensure_days(CAST(:first AS date), :days)")


async def ensure_partitions(connection: AsyncConnection, now: datetime) -> None:
    """The outbox has a child for yesterday, today and the next 3 days; called before a process is ready, and daily.

    Yesterday too: the server's clock may be behind ours around midnight, and a row without a child cannot be written.
    """
    yesterday = now.date().toordinal() - 1
    first = now.date().fromordinal(yesterday)
    await connection.execute(_ENSURE, {"first": first, "days": DAYS_AHEAD + 1})
