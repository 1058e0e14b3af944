"""The bus in PostgreSQL: its tables and functions, for a database of its own."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

TABLES: Sequence[str] = (
    # One hot row a partition: its lock makes offset order commit order, so the visible part is always gapless.
    """
    CREATE TABLE IF NOT EXISTS part (
        tp int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, p int2 NOT NULL,
        next_off int8 NOT NULL DEFAULT 0, low_off int8 NOT NULL DEFAULT 0, UNIQUE (topic, p)
    ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200)
    """,
    """
    CREATE TABLE IF NOT EXISTS log (
        tp int4 NOT NULL, off int8 NOT NULL, ts timestamptz NOT NULL DEFAULT clock_timestamp(),
        key text NOT NULL, headers text NOT NULL, payload bytea NOT NULL, PRIMARY KEY (tp, off, ts)
    ) PARTITION BY RANGE (ts)
    """,
    """
    CREATE TABLE IF NOT EXISTS group_offset (
        grp text NOT NULL, tp int4 NOT NULL, committed int8 NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (grp, tp)
    ) WITH (fillfactor = 20)
    """,
    # A new uuid whenever the bus is made: readers notice that they read another log than before.
    """
    CREATE TABLE IF NOT EXISTS bus_identity (
        one bool PRIMARY KEY DEFAULT true CHECK (one), incarnation uuid NOT NULL DEFAULT gen_random_uuid()
    )
    """,
    "INSERT INTO bus_identity DEFAULT VALUES ON CONFLICT DO NOTHING",
)

FUNCTIONS: Sequence[str] = (
    # Locks in sorted order: two relays cannot deadlock. The row count is checked, or a record of a partition that
    # does not exist would vanish silently.
    """
    CREATE OR REPLACE FUNCTION append(_tp int4[], _key text[], _headers text[], _payload bytea[])
    RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        _written int8;
    BEGIN
        PERFORM 1 FROM part WHERE tp = ANY(_tp) ORDER BY tp FOR UPDATE;
        WITH b AS (SELECT t.*, row_number() OVER (PARTITION BY tp ORDER BY ord) AS rn
                   FROM unnest(_tp, _key, _headers, _payload) WITH ORDINALITY t(tp, key, headers, payload, ord)),
             c AS (UPDATE part p SET next_off = p.next_off + x.n FROM (SELECT tp, count(*) AS n FROM b GROUP BY tp) x
                   WHERE p.tp = x.tp RETURNING p.tp, p.next_off - x.n AS base)
        INSERT INTO log (tp, off, key, headers, payload)
            SELECT b.tp, c.base + b.rn - 1, b.key, b.headers, b.payload FROM b JOIN c USING (tp);
        GET DIAGNOSTICS _written = ROW_COUNT;
        IF _written <> cardinality(_tp) THEN
            RAISE 'append wrote % of % records: unknown partition', _written, cardinality(_tp)
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END $$
    """,
    """
    CREATE OR REPLACE FUNCTION log_ensure_days(_from date, _days int4) RETURNS int4
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
    DECLARE
        _day date;
        _made int4 := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('eventbus.log.days'));
        FOR _day IN SELECT _from + n FROM generate_series(0, _days) n LOOP
            CONTINUE WHEN to_regclass(format('log_%s', to_char(_day, 'YYYYMMDD'))) IS NOT NULL;
            EXECUTE format(
                'CREATE TABLE log_%s PARTITION OF log FOR VALUES FROM (%L) TO (%L)',
                to_char(_day, 'YYYYMMDD'),
                _day::timestamp AT TIME ZONE 'UTC', (_day + 1)::timestamp AT TIME ZONE 'UTC');
            _made := _made + 1;
        END LOOP;
        RETURN _made;
    END $$
    """,
    # A day goes when every group has passed it, or when the caller forces it; low_off tells late groups where the log
    # starts now. Short lock_timeout: appends never queue behind this for long, the caller comes again.
    """
    CREATE OR REPLACE FUNCTION log_drop_day(_child text, _force bool) RETURNS bool
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public SET lock_timeout = '200ms' AS $$
    DECLARE
        _tps int4[];
        _pasts int8[];
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'log'::regclass
                       AND inhrelid = to_regclass(_child)) THEN RETURN false; END IF;
        PERFORM 1 FROM part ORDER BY tp FOR UPDATE;
        EXECUTE format('LOCK TABLE log, %I IN ACCESS EXCLUSIVE MODE', _child);
        EXECUTE format('SELECT array_agg(tp), array_agg(past) FROM'
                       ' (SELECT tp, max(off) + 1 AS past FROM %I GROUP BY tp) x', _child) INTO _tps, _pasts;
        IF NOT _force AND EXISTS (SELECT 1 FROM unnest(_tps, _pasts) x(tp, past) JOIN group_offset USING (tp)
                                  WHERE committed < past) THEN RETURN false; END IF;
        UPDATE part SET low_off = greatest(low_off, past) FROM unnest(_tps, _pasts) x(tp, past) WHERE part.tp = x.tp;
        EXECUTE format('DROP TABLE %I', _child);
        RETURN true;
    END $$
    """,
)

_GRANTS: Sequence[str] = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT ON part, log, group_offset, bus_identity TO {role}",
    "GRANT UPDATE (next_off) ON part TO {role}",
    "GRANT INSERT ON log TO {role}",
    "GRANT INSERT, UPDATE ON group_offset TO {role}",
    "GRANT EXECUTE ON FUNCTION append(int4[], text[], text[], bytea[]) TO {role}",
    "GRANT EXECUTE ON FUNCTION log_ensure_days(date, int4), log_drop_day(text, bool) TO {role}",
)

DAYS_AHEAD = 3


async def install(connection: Any, *, topics: Mapping[str, int], now: datetime, client_role: str | None = None) -> None:
    """The bus exists with these topics (name -> partitions) and may be used by `client_role`; safe to repeat.

    `connection`: asyncpg, as owner of the database. Partitions can be added later, never taken away.
    """
    async with connection.transaction():
        # Two stacks that start at once would both find nothing and both create.
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('eventbus.install'))")
        for statement in (*TABLES, *FUNCTIONS):
            await connection.execute(statement)
        for topic, partitions in topics.items():
            await connection.execute(
                "INSERT INTO part (topic, p) SELECT $1, n FROM generate_series(0, $2::int4 - 1) n"
                " ON CONFLICT DO NOTHING",
                topic,
                partitions,
            )
        await connection.execute("SELECT log_ensure_days($1, $2)", yesterday(now), DAYS_AHEAD + 1)
        for grant in _GRANTS if client_role else ():
            await connection.execute(grant.format(role=client_role))


async def installed_partitions(connection: Any) -> Mapping[str, int]:
    """Every topic of the bus in this database with its number of partitions; none if there is no bus in it."""
    if await connection.fetchval("SELECT to_regclass('part')") is None:
        return {}
    return dict(await connection.fetch("SELECT topic, count(*) FROM part GROUP BY topic"))


def yesterday(now: datetime) -> date:
    """The day before: the server's clock may be behind ours around midnight."""
    return (now - timedelta(days=1)).date()
