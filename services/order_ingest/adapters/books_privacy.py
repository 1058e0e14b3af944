"""What follows from an erasure at once: requests on record, bodies emptied, what is left to do noted for the clock."""

import base64
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from libs.servicekit.timers import Due, schedule
from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.adapters.delivery_bodies import Spot, empty_bodies
from services.order_ingest.application.apply_privacy import DATA_EXPORT, ERASURE, STORE_ERASURE
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Forgotten, PrivacyRequest, Workspace
from services.order_ingest.domain.changes import StoreLeft
from services.order_ingest.domain.standing import Standing

ALLOWED: Final = timedelta(days=30)
"""In which a request must be answered: a month by law, thirty days by Shopify."""
_COLUMNS: Final = {
    "merchant_no": "int4",
    "request_id": "uuid",
    "kind": "text",
    "store_no": "int4",
    "customer_id": "uuid",
    "source": "text",
    "asked_at": "timestamptz",
    "due_at": "timestamptz",
    "closed_at": "timestamptz",
}
_REQUEST = sql(
    """
    INSERT INTO privacy_request ({columns}) SELECT {columns} FROM {rows}
    ON CONFLICT (request_id, merchant_no) DO NOTHING
    """,
    columns=", ".join(_COLUMNS),
    rows=unnest(_COLUMNS),
)
# Everybody who was merged into the erased, however long ago; a ring, never made here, ends by UNION.
_LIVES: Final = """
    WITH RECURSIVE life AS (
        SELECT w.merchant_no, w.customer_id
        FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) w(merchant_no, customer_id)
        UNION
        SELECT c.merchant_no, c.customer_id FROM life CROSS JOIN LATERAL (
            SELECT merchant_no, customer_id FROM customer c
            WHERE c.merged_into = life.customer_id AND c.merchant_no + 0 = life.merchant_no OFFSET 0) c
    )
"""
# Deliveries about the person as the normaliser noted them, and those of their orders' history: a refund or parcel that
# came before its order was about nobody then.
_CONCERNED = sql(
    """
    {lives}
    SELECT life.merchant_no, o.lane, o.seq, o.received_at FROM life CROSS JOIN LATERAL (
        SELECT lane, seq, received_at FROM delivery_outcome o
        WHERE o.customer_id = life.customer_id AND o.merchant_no + 0 = life.merchant_no
        UNION ALL
        SELECT lane, seq, received_at FROM delivery_outcome o
        WHERE o.recipient_id = life.customer_id AND o.merchant_no + 0 = life.merchant_no) o
    """,
    lives=_LIVES,
)
_OF_ORDERS = sql(
    """
    {lives}
    SELECT life.merchant_no, d.lane, d.seq, d.received_at FROM life
    CROSS JOIN LATERAL (SELECT order_id FROM customer_order o WHERE o.customer_id = life.customer_id
        AND o.merchant_no + 0 = life.merchant_no OFFSET 0) o
    CROSS JOIN LATERAL (SELECT cause_id FROM order_version v WHERE v.merchant_no = life.merchant_no
        AND v.order_id = o.order_id OFFSET 0) v
    CROSS JOIN LATERAL (SELECT lane, seq, received_at FROM webhook_delivery d WHERE d.delivery_id = v.cause_id
        AND d.merchant_no + 0 = life.merchant_no OFFSET 0) d
    """,
    lives=_LIVES,
)
# What somebody wrote about a refund, a return, a parcel or a cancellation; figures and instants stay. The places of
# the words are those of `order_rows` and `movement_rows`.
_FORGET_WORDS = text(
    """
    UPDATE customer_order o SET cancel_reason = NULL,
        refunds = (SELECT CAST(jsonb_object_agg(key, jsonb_set(value, '{1}', 'null')) AS text)
            FROM jsonb_each(CAST(o.refunds AS jsonb))),
        fulfilments = (SELECT CAST(jsonb_object_agg(key, jsonb_set(value, '{3}', 'null')) AS text)
            FROM jsonb_each(CAST(o.fulfilments AS jsonb))),
        returns = (SELECT CAST(jsonb_object_agg(key, jsonb_set(value, '{3}', 'null')) AS text)
            FROM jsonb_each(CAST(o.returns AS jsonb)))
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) x(merchant_no, customer_id)
    WHERE o.customer_id = x.customer_id AND o.merchant_no + 0 = x.merchant_no
        AND (o.cancel_reason IS NOT NULL OR o.refunds IS NOT NULL OR o.fulfilments IS NOT NULL
            OR o.returns IS NOT NULL)
    """
)
# Locked until it is told: access that is put meanwhile comes after it.
_STANDINGS = text(
    """
    SELECT store_no, connected_at, disconnected_at FROM store
    WHERE store_no = ANY(CAST(:stores AS int4[])) ORDER BY store_no FOR NO KEY UPDATE
    """
)
_LEAVE = text(
    """
    UPDATE store s SET disconnected_at = x.at
    FROM unnest(CAST(:stores AS int4[]), CAST(:ats AS timestamptz[])) x(store_no, at) WHERE s.store_no = x.store_no
    """
)
_CLOSE_ACCESS = text("DELETE FROM store_access WHERE store_no = ANY(CAST(:stores AS int4[]))")


async def load_standings(connection: AsyncConnection, entries: Sequence[Entry]) -> dict[int, Standing]:
    """How the stores stand of which the entries say that they left, by their numbers."""
    stores = {entry.storefront.store_no for entry in entries if isinstance(entry.change, StoreLeft)}
    if not stores:
        return {}
    rows = await connection.execute(_STANDINGS, {"stores": sorted(stores)})
    return {row.store_no: Standing(connected_at=row.connected_at, disconnected_at=row.disconnected_at) for row in rows}


async def store_privacy(connection: AsyncConnection, workspace: Workspace, vault: Vault, now: datetime) -> None:
    """Requests stand, bodies that name the erased are empty, the rest is due at once."""
    if workspace.privacy_requests:
        rows = [_request(each) for each in workspace.privacy_requests.values()]
        await connection.execute(_REQUEST, by_column(rows, _COLUMNS))
    await schedule(connection, list(_work(workspace, vault, now)))
    if workspace.forgotten:
        erased = {(f.storefront.merchant_no, f.customer_id) for f in workspace.forgotten}
        await connection.execute(_FORGET_WORDS, _columns(erased))
        # Deliveries about somebody while they were one with another are noted under that other's id.
        others = {(f.storefront.merchant_no, each) for f in workspace.forgotten for each in f.parted_from}
        await empty_deliveries(connection, erased | others)
    if workspace.stores_left:
        left = {"stores": list(workspace.stores_left), "ats": list(workspace.stores_left.values())}
        await connection.execute(_LEAVE, left)
        await connection.execute(_CLOSE_ACCESS, {"stores": left["stores"]})


async def empty_deliveries(connection: AsyncConnection, erased: Collection[tuple[int, UUID]]) -> None:
    """No stored body names these customers (merchant's number, id), as far as it is known which bodies do."""
    places: set[Spot] = set()
    for statement in (_CONCERNED, _OF_ORDERS):
        rows = await connection.execute(statement, _columns(erased))
        places |= {Spot(*row) for row in rows}
    await empty_bodies(connection, sorted(places))


def _columns(customers: Collection[tuple[int, UUID]]) -> dict[str, list[Any]]:
    numbers, ids = map(list, zip(*sorted(customers), strict=True))
    return {"merchants": numbers, "customers": ids}


def _work(workspace: Workspace, vault: Vault, now: datetime) -> Iterator[Due]:
    """What the clock is to do about requests, by request."""
    for forgotten in workspace.forgotten:
        if not forgotten.whole_store:
            addresses = seal_addresses(forgotten, vault)
            payload = {"customer_id": str(forgotten.customer_id), "addresses": addresses}
            yield Due(forgotten.storefront.merchant_no, ERASURE, str(forgotten.request_id), now, payload)
    for request_id, (storefront, customer_id) in workspace.data_wanted.items():
        yield Due(storefront.merchant_no, DATA_EXPORT, str(request_id), now, {"customer_id": str(customer_id)})
    for asked in workspace.privacy_requests.values():
        if asked.kind == STORE_ERASURE:
            due = {"store_no": asked.storefront.store_no}
            yield Due(asked.storefront.merchant_no, STORE_ERASURE, str(asked.request_id), now, due)


def _request(asked: PrivacyRequest) -> Mapping[str, Any]:
    is_open = asked.customer_id is not None or asked.kind == STORE_ERASURE
    return {
        "merchant_no": asked.storefront.merchant_no,
        "request_id": asked.request_id,
        "kind": asked.kind,
        "store_no": asked.storefront.store_no,
        "customer_id": asked.customer_id,
        "source": asked.source,
        "asked_at": asked.asked_at,
        "due_at": asked.asked_at + ALLOWED,
        "closed_at": None if is_open else asked.asked_at,
    }


def seal_addresses(forgotten: Forgotten, vault: Vault) -> str:
    """What unread bodies are searched for, closed to everybody else for the moment until then."""
    place = addresses_place(forgotten.storefront.merchant_no, forgotten.request_id)
    return base64.b64encode(vault.encrypt(json.dumps(forgotten.addresses).encode(), place)).decode()


def addresses_place(merchant_no: int, request_id: UUID) -> str:
    """What those addresses are bound to."""
    return f"{merchant_no}|due_row|addresses|{request_id}"
