"""Consents as they hold, and the log of every statement."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.messaging.application.workspace import ConsentKey, Key, LoggedStatement
from services.messaging.domain.consent import Consent, Statement

# Probes are `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: one index probe per key, whatever the statistics say when
# the worker's generic plan is made.
_LOAD = text(
    """
    SELECT c.*
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT * FROM consent c WHERE c.merchant_no = x.merchant_no AND c.customer_id = x.customer_id OFFSET 0
    ) c
    """
)
_PUT = text(
    """
    INSERT INTO consent (merchant_no, customer_id, channel, topic, state, act, snapshot, withdrawn_here_at,
        subscribed_at)
    SELECT x.merchant_no, x.customer_id, x.channel, x.topic, x.state, CAST(x.act AS jsonb),
        CAST(x.snapshot AS jsonb), x.withdrawn_here_at, x.subscribed_at
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:channels AS text[]),
                CAST(:topics AS text[]), CAST(:states AS text[]), CAST(:acts AS text[]), CAST(:snapshots AS text[]),
                CAST(:withdrawals AS timestamptz[]), CAST(:subscriptions AS timestamptz[]))
        AS x(merchant_no, customer_id, channel, topic, state, act, snapshot, withdrawn_here_at, subscribed_at)
    ON CONFLICT (merchant_no, customer_id, channel, topic) DO UPDATE SET state = excluded.state, act = excluded.act,
        snapshot = excluded.snapshot, withdrawn_here_at = excluded.withdrawn_here_at,
        subscribed_at = excluded.subscribed_at
    """
)
_DROP = text(
    """
    DELETE FROM consent c
    USING unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:channels AS text[]),
                 CAST(:topics AS text[])) AS x(merchant_no, customer_id, channel, topic)
    WHERE (c.merchant_no, c.customer_id, c.channel, c.topic) = (x.merchant_no, x.customer_id, x.channel, x.topic)
    """
)
_LOG = text(
    """
    INSERT INTO consent_entry (merchant_no, customer_id, channel, topic, entry_id, state, made, source, text_version,
        ip_hash, at, recorded_at)
    SELECT x.*, :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:channels AS text[]),
                CAST(:topics AS text[]), CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:made AS text[]),
                CAST(:sources AS text[]), CAST(:texts AS text[]), CAST(:ips AS text[]), CAST(:ats AS timestamptz[]))
        AS x(merchant_no, customer_id, channel, topic, entry_id, state, made, source, text_version, ip_hash, at)
    ON CONFLICT DO NOTHING
    """
)
_LOGGED = text(
    """
    SELECT e.* FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT merchant_no, customer_id, channel, topic, entry_id, state, made, source, text_version, ip_hash, at
        FROM consent_entry e WHERE e.merchant_no = x.merchant_no AND e.customer_id = x.customer_id OFFSET 0
    ) e
    ORDER BY e.merchant_no, e.customer_id, e.at, e.entry_id
    """
)
_FAMILY = """
    WITH RECURSIVE family AS (
        SELECT x.merchant_no, x.customer_id
        FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
        UNION
        SELECT f.merchant_no, c.customer_id FROM family f CROSS JOIN LATERAL (
            SELECT c.customer_id FROM contact c
            WHERE c.merchant_no = f.merchant_no AND c.merged_into = f.customer_id OFFSET 0
        ) c
    )
"""
_FORGET = text(
    f"""
    {_FAMILY}
    DELETE FROM consent_entry e WHERE e.ctid = ANY (ARRAY(
        SELECT found.ctid FROM family f CROSS JOIN LATERAL (
            SELECT ctid FROM consent_entry e WHERE e.merchant_no = f.merchant_no AND e.customer_id = f.customer_id
            OFFSET 0
        ) found
    ))
    """  # noqa: S608 - the fragment is a constant of this module
)
_FORGET_ANSWERS = text(
    f"""
    {_FAMILY}
    UPDATE idempotency i SET body = '' WHERE i.ctid = ANY (ARRAY(
        SELECT found.ctid FROM family f CROSS JOIN LATERAL (
            SELECT ctid FROM idempotency i WHERE i.customer_id = f.customer_id AND i.merchant_no + 0 = f.merchant_no
            OFFSET 0
        ) found
    ))
    """  # noqa: S608 - the fragment is a constant of this module
)


async def load_consents(connection: AsyncConnection, keys: Collection[Key]) -> dict[ConsentKey, Consent]:
    """Every consent of these customers; lock the customers first."""
    ordered = sorted(keys)
    rows = await connection.execute(_LOAD, _customers(ordered))
    return {(row.merchant_no, row.customer_id, row.channel, row.topic): consent_of(row) for row in rows}


async def load_log(connection: AsyncConnection, keys: Collection[Key]) -> dict[Key, list[LoggedStatement]]:
    """What was said under these ids, the oldest first; lock the customers first."""
    found: dict[Key, list[LoggedStatement]] = {}
    for row in await connection.execute(_LOGGED, _customers(sorted(keys))) if keys else ():
        said = Statement(row.state, row.at, row.made, row.source, row.text_version, row.ip_hash)
        key = (row.merchant_no, row.customer_id, row.channel, row.topic)
        found.setdefault(key[:2], []).append(LoggedStatement(key, said, row.entry_id))
    return found


def consent_of(row: Row[tuple[object, ...]]) -> Consent:
    """The consent that a row holds."""
    return Consent(
        act=_statement(row.act),
        snapshot=_statement(row.snapshot),
        withdrawn_here_at=row.withdrawn_here_at,
        subscribed_at=row.subscribed_at,
    )


async def put_consents(connection: AsyncConnection, consents: Mapping[ConsentKey, Consent]) -> None:
    """The consents are as given; those about which nothing is known any more are gone."""
    empty = sorted(key for key, consent in consents.items() if consent.holding is None)
    if empty:
        await connection.execute(_DROP, _keys(empty))
    known = sorted(key for key, consent in consents.items() if consent.holding is not None)
    if known:
        found = [consents[key] for key in known]
        await connection.execute(
            _PUT,
            {
                **_keys(known),
                "states": [consent.state for consent in found],
                "acts": [_json(consent.act) for consent in found],
                "snapshots": [_json(consent.snapshot) for consent in found],
                "withdrawals": [consent.withdrawn_here_at for consent in found],
                "subscriptions": [consent.subscribed_at for consent in found],
            },
        )


async def log_statements(connection: AsyncConnection, logged: Sequence[LoggedStatement], now: datetime) -> None:
    """Each statement stands in the log once."""
    ordered = sorted(
        {entry.entry_id: entry for entry in logged}.values(), key=lambda entry: (entry.key[0], entry.entry_id)
    )
    if not ordered:
        return
    await connection.execute(
        _LOG,
        {
            **_keys([entry.key for entry in ordered]),
            "ids": [entry.entry_id for entry in ordered],
            "states": [entry.statement.state for entry in ordered],
            "made": [entry.statement.made for entry in ordered],
            "sources": [entry.statement.source for entry in ordered],
            "texts": [entry.statement.text_version for entry in ordered],
            "ips": [entry.statement.ip_hash for entry in ordered],
            "ats": [entry.statement.at for entry in ordered],
            "now": now,
        },
    )


async def forget_statements(connection: AsyncConnection, keys: Collection[Key]) -> None:
    """The log of these customers, and of those merged into them, is gone (erasure)."""
    ordered = sorted(keys)
    if ordered:
        await connection.execute(_FORGET, _customers(ordered))
        await connection.execute(_FORGET_ANSWERS, _customers(ordered))


def _customers(keys: Sequence[Key]) -> dict[str, list[object]]:
    return {"merchants": [number for number, _ in keys], "customers": [customer for _, customer in keys]}


def _keys(keys: Sequence[ConsentKey]) -> dict[str, list[object]]:
    return {
        "merchants": [key[0] for key in keys],
        "customers": [key[1] for key in keys],
        "channels": [key[2] for key in keys],
        "topics": [key[3] for key in keys],
    }


def _json(statement: Statement | None) -> str | None:
    if statement is None:
        return None
    return json.dumps(
        {
            "state": statement.state,
            "at": statement.at.isoformat(),
            "made": statement.made,
            "source": statement.source,
            "text_version": statement.text_version,
            "ip_hash": statement.ip_hash,
        }
    )


def _statement(stored: dict[str, Any] | None) -> Statement | None:  # what jsonb decodes to
    if stored is None:
        return None
    return Statement(**{**stored, "at": datetime.fromisoformat(stored["at"])})
