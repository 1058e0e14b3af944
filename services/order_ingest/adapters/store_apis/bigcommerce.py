"""BigCommerce's orders, each with what belongs to it.

Source: developer.bigcommerce.com, "Orders V2" ("Get All Orders", "Get an Order", "List Order Products", "Get Order
Shipments", "List Order Coupons"), "Orders V3" ("Get Refunds for Order"), "API Rate limits". V2 answers 204 without a
body where a list is empty, and does not say how many pages there are. Credentials: `access_token` of an API account
that may read orders.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.bigcommerce_places import Place, place_after, place_of
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiRefuses, Document, Page
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.bigcommerce_states import (
    has_coupons,
    has_refunds,
    has_shipments,
    is_placed,
)
from services.order_ingest.domain.reading import Object, each, load, microseconds, own_id

_PER_PAGE: Final = 20
"""Orders of one page. Each may need four requests more, and the smallest plan has 150 in half a minute."""
_AT_ONCE: Final = 4
_PARTS_PER_PAGE: Final = 50
"""What lists answer by default: more could be asked for, but how much more each takes is not said."""
_MOST_PART_PAGES: Final = 40
_ID: Final = re.compile("[0-9]{1,18}")


class BigcommerceApi:
    """Asks for an order's lines always, for refunds, parcels and coupons where the order says that it has any.

    Of a checkout that was not completed nothing but itself is asked for.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Up to twenty orders changed at or after `since`'s second; a page may be empty with others behind it.

        A cursor is a second, not a page's number: an order that changes meanwhile moves to the list's end, and all
        behind it one place forward, over a page's border. See `bigcommerce_places`.
        """
        place = place_of(cursor) if cursor else Place(microseconds(since) // 1_000_000)
        found = await self._list(access, "/v2/orders", {**place.filters(), "limit": str(_PER_PAGE), "include": "fees"})
        if found is None:
            raise ApiRefuses("there is no /v2/orders at this address")
        orders, following = place_after(place, found, most=_PER_PAGE)
        return Page(await self._documents(access, orders), str(following) if following else None)

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now, archived too; ids are numbers, so that nothing else can be one."""
        if not _ID.fullmatch(external_id):
            return None
        url = f"{access.base_url}/v2/orders/{external_id}"
        answer = await ask(self._http, "GET", url, headers=headers(access), params={"include": "fees"})
        return None if answer is None else await self._document(access, value(answer.body, None))

    async def _documents(self, access: Access, orders: Sequence[bytes]) -> list[Document]:
        """The documents of all that are still there, a few orders at once, in the orders' own order."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(order: bytes) -> Document | None:
            async with turns:
                return await self._document(access, order)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(order)) for order in orders]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [document for task in tasks if (document := task.result()) is not None]

    async def _document(self, access: Access, order: bytes) -> Document | None:
        """The order with what belongs to it; None if it is gone by now."""
        seen = _in_need(order)
        if seen is None:
            return _joined({"order": order})
        path = f"/v2/orders/{own_id(seen)}"
        products = await self._all(access, f"{path}/products")
        if products is None:
            return None
        parts = {"order": order, "products": _array(products)}
        needed = _needed(seen, parts["products"])
        if "refunds" in needed:
            parts["refunds"] = await self._refunds(access, own_id(seen))
        for name in ("shipments", "coupons"):
            if name in needed:
                parts[name] = _array(await self._all(access, f"{path}/{name}") or [])
        return _joined(parts)

    async def _refunds(self, access: Access, order_id: str) -> bytes:
        url = f"{access.base_url}/v3/orders/{order_id}/payment_actions/refunds"
        answer = await ask(self._http, "GET", url, headers=headers(access))
        return _array(elements(answer.body, "data") if answer is not None else [])

    async def _all(self, access: Access, path: str) -> list[bytes] | None:
        """Everything of a list that belongs to one order; None if there is no such list."""
        found: list[bytes] = []
        for page in range(1, _MOST_PART_PAGES + 1):
            rows = await self._list(access, path, {"page": str(page), "limit": str(_PARTS_PER_PAGE)})
            if rows is None:
                return None
            found += rows
            if len(rows) < _PARTS_PER_PAGE:
                return found
        raise ApiRefuses(f"more than {len(found)} entries in {path.rpartition('/')[2]} of one order")

    async def _list(self, access: Access, path: str, params: Mapping[str, str]) -> list[bytes] | None:
        answer = await ask(self._http, "GET", f"{access.base_url}{path}", headers=headers(access), params=params)
        if answer is None:
            return None
        return elements(answer.body, None) if answer.body else []


def headers(access: Access) -> Mapping[str, str]:
    """Whoever asks is known by the API account's access token."""
    return {"X-Auth-Token": access.credentials["access_token"], "Accept": "application/json"}


def _in_need(order: bytes) -> Object | None:
    """The order, if more than itself is needed to understand it.

    One that cannot be read is kept as it is: whoever reads the document says what is wrong with it.
    """
    try:
        seen = load(order)
        return seen if is_placed(seen) and _ID.fullmatch(own_id(seen)) else None
    except Malformed:
        return None


def _needed(order: Object, products: bytes) -> Collection[str]:
    """The names of the parts that the order or its lines say it has."""
    try:
        lines = tuple(each(load(_joined({"products": products})), "products", lambda line: line))
        found = {
            "refunds": has_refunds(order, lines),
            "shipments": has_shipments(order, lines),
            "coupons": has_coupons(order),
        }
    except Malformed:
        return ()
    return [name for name, is_needed in found.items() if is_needed]


def _array(pieces: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(pieces)


def _joined(parts: Mapping[str, bytes]) -> Document:
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), part) for name, part in parts.items())
