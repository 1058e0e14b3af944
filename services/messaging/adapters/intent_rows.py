"""Intents and what they wait for."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.messaging.application.workspace import Key
from services.messaging.domain.intents import Intent

COLUMNS = (
    "i.merchant_no, i.intent_id, i.customer_id, i.cause_fact_id, i.correlation_id, i.traceparent, i.origin, i.purpose,"
    " i.channel, i.topic, i.message_class, i.template_id, i.template_version, i.context, i.wait_for_order_id, i.state,"
    " i.reason, i.planned_at, i.claimed_at, i.settled_at"
)
# Probes are `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: one index probe per key, whatever the statistics say when
# the worker's generic plan is made.
_KNOWN = text(
    """
    SELECT x.merchant_no, x.intent_id
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, intent_id)
    CROSS JOIN LATERAL (
        SELECT 1 FROM intent i WHERE i.merchant_no = x.merchant_no AND i.intent_id = x.intent_id OFFSET 0
    ) i
    """
)
_WAITING = text(
    """
    SELECT x.merchant_no, x.order_id, i.intent_id
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, order_id)
    CROSS JOIN LATERAL (
        SELECT i.intent_id FROM intent i
        WHERE i.merchant_no = x.merchant_no AND i.wait_for_order_id = x.order_id OFFSET 0
    ) i
    """
)
_HEARD = text(
    """
    SELECT x.merchant_no, x.order_id
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, order_id)
    CROSS JOIN LATERAL (
        SELECT 1 FROM heard_order h WHERE h.merchant_no = x.merchant_no AND h.order_id = x.order_id OFFSET 0
    ) h
    """
)
_HEAR = text(
    """
    INSERT INTO heard_order (merchant_no, order_id, heard_at)
    SELECT x.merchant_no, x.order_id, :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, order_id)
    ON CONFLICT DO NOTHING
    """
)
_PLAN = text(
    """
    INSERT INTO intent (merchant_no, intent_id, customer_id, cause_fact_id, correlation_id, traceparent, origin,
        purpose, channel, topic, message_class, template_id, template_version, context, wait_for_order_id, state,
        planned_at)
    SELECT x.merchant_no, x.intent_id, x.customer_id, x.cause_fact_id, x.correlation_id, x.traceparent, x.origin,
        x.purpose, x.channel, x.topic, x.message_class, x.template_id, x.template_version, CAST(x.context AS jsonb),
        x.wait_for_order_id, x.state, x.planned_at
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:customers AS uuid[]), CAST(:causes AS uuid[]),
                CAST(:correlations AS text[]), CAST(:traces AS text[]), CAST(:origins AS text[]),
                CAST(:purposes AS text[]), CAST(:channels AS text[]), CAST(:topics AS text[]),
                CAST(:classes AS text[]), CAST(:templates AS uuid[]), CAST(:versions AS int4[]),
                CAST(:contexts AS text[]), CAST(:orders AS uuid[]), CAST(:states AS text[]),
                CAST(:planned AS timestamptz[]))
        AS x(merchant_no, intent_id, customer_id, cause_fact_id, correlation_id, traceparent, origin, purpose, channel,
             topic, message_class, template_id, template_version, context, wait_for_order_id, state, planned_at)
    """
)
_RELEASE = text(
    """
    UPDATE intent i SET state = 'planned', wait_for_order_id = NULL
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, intent_id)
    WHERE (i.merchant_no, i.intent_id) = (x.merchant_no, x.intent_id) AND i.state = 'waiting'
    RETURNING i.merchant_no, i.intent_id
    """
)
# The + 0 leaves the planner the one index that leads with the customer.
_MOVE = text(
    """
    UPDATE intent SET customer_id = :survivor WHERE customer_id = :gone AND merchant_no + 0 = :merchant_no
    """
)


async def known_intents(connection: AsyncConnection, keys: Collection[Key]) -> set[Key]:
    """Those of these intents that were planned before."""
    rows = await connection.execute(_KNOWN, columns(sorted(keys)))
    return {(row.merchant_no, row.intent_id) for row in rows}


async def waiting_intents(connection: AsyncConnection, orders: Collection[Key]) -> dict[Key, list[UUID]]:
    """Intents that wait for one of these orders, by the order."""
    found: dict[Key, list[UUID]] = {}
    for row in await connection.execute(_WAITING, columns(sorted(orders))):
        found.setdefault((row.merchant_no, row.order_id), []).append(row.intent_id)
    return found


async def heard_orders(connection: AsyncConnection, orders: Collection[Key]) -> set[Key]:
    """Those of these orders whose payment was read before."""
    rows = await connection.execute(_HEARD, columns(sorted(orders)))
    return {(row.merchant_no, row.order_id) for row in rows}


async def hear_orders(connection: AsyncConnection, orders: Collection[Key], now: datetime) -> None:
    """The payment of these orders counts as read."""
    if orders:
        await connection.execute(_HEAR, {**columns(sorted(orders)), "now": now})


async def plan_intents(connection: AsyncConnection, intents: Sequence[Intent]) -> None:
    """The intents stand. A key that exists already is an error: it was looked for under the customer's lock."""
    if not intents:
        return
    ordered = sorted(intents, key=lambda intent: (intent.merchant_no, intent.intent_id))
    await connection.execute(
        _PLAN,
        {
            **columns([(intent.merchant_no, intent.intent_id) for intent in ordered]),
            "customers": [intent.customer_id for intent in ordered],
            "causes": [intent.cause_fact_id for intent in ordered],
            "correlations": [intent.correlation_id for intent in ordered],
            "traces": [intent.traceparent for intent in ordered],
            "origins": [intent.origin for intent in ordered],
            "purposes": [intent.purpose for intent in ordered],
            "channels": [intent.channel for intent in ordered],
            "topics": [intent.topic for intent in ordered],
            "classes": [intent.message_class for intent in ordered],
            "templates": [intent.template_id for intent in ordered],
            "versions": [intent.template_version for intent in ordered],
            "contexts": [json.dumps(dict(intent.context)) for intent in ordered],
            "orders": [intent.wait_for_order_id for intent in ordered],
            "states": [intent.state for intent in ordered],
            "planned": [intent.planned_at for intent in ordered],
        },
    )


async def release_intents(connection: AsyncConnection, keys: Collection[Key]) -> set[Key]:
    """Those of these intents that waited until now wait no more."""
    if not keys:
        return set()
    rows = await connection.execute(_RELEASE, columns(sorted(keys)))
    return {(row.merchant_no, row.intent_id) for row in rows}


async def move_intents(connection: AsyncConnection, merged: Sequence[tuple[Key, Key]]) -> None:
    """The intents of absorbed customers belong to their survivors, one merge after the other."""
    for (merchant_no, gone), (_, survivor) in merged:
        await connection.execute(_MOVE, {"merchant_no": merchant_no, "gone": gone, "survivor": survivor})


def intent_of(row: Row[tuple[object, ...]]) -> Intent:
    """The intent that a row of COLUMNS holds."""
    return Intent(
        merchant_no=row.merchant_no,
        intent_id=row.intent_id,
        customer_id=row.customer_id,
        cause_fact_id=row.cause_fact_id,
        correlation_id=row.correlation_id,
        traceparent=row.traceparent,
        origin=row.origin,
        purpose=row.purpose,
        channel=row.channel,
        topic=row.topic,
        message_class=row.message_class,
        template_id=row.template_id,
        template_version=row.template_version,
        context=row.context,
        state=row.state,
        planned_at=row.planned_at,
        wait_for_order_id=row.wait_for_order_id,
    )


def columns(keys: Sequence[Key]) -> dict[str, list[object]]:
    """The keys as the two arrays that the statements take."""
    return {"merchants": [number for number, _ in keys], "ids": [found for _, found in keys]}
