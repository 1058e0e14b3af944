"""Orders out of Magento's REST API: Magento Open Source has no webhooks, so this is the only way they come.

Source: developer.adobe.com/commerce/webapi/rest, "Search using REST endpoints", "Order processing tutorial".

Pages are not asked for by their number: an order that changes while others are read moves to the end, everything
behind its old place moves up by one, and the next page begins one order too late. A page begins instead behind the
last order of the page before, in the order of (`updated_at`, `entity_id`): what changes meanwhile comes once more,
orders of one second are told apart by their ids, and nothing is left out. Numbers would mislead in another way, too:
beyond the last page Magento answers the last page again.

`updated_at` is the order's row's. Credit memos and invoices always change that row; a shipment that leaves the state
as it is may not, and then comes with the order's next change. Source: magento/magento2#10287.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.magento_fields import ORDER, PARTS
from services.order_ingest.adapters.store_apis.magento_search import (
    Filter,
    Found,
    Search,
    headers,
    id_of,
    is_id,
    search,
    time_of,
)
from services.order_ingest.adapters.store_apis.slicing import value
from services.order_ingest.application.store_apis import Access, ApiRefuses, Document, Page

_ORDERS_PER_PAGE: Final = 20
_PARTS_PER_PAGE: Final = 100
_TIME: Final = "%Y-%m-%d %H:%M:%S"


class MagentoApi:
    """Asks a store with the access token of an integration that may read sales.

    A document is {"order", "creditmemos", "shipments", "invoices"}. The parts are asked for all orders of a page at
    once, one kind after the other: a shop's server has its customers to serve.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Orders whose row changed at or after `since`'s second; a cursor is the last order of the page before."""
        before = _place(cursor) if cursor else None
        groups = _behind(before) if before else [[Filter("updated_at", "gteq", since.astimezone(UTC).strftime(_TIME))]]
        sought = Search(groups=groups, sort=("updated_at", "entity_id"), size=_ORDERS_PER_PAGE, fields=ORDER)
        found = await search(self._http, access, "orders", sought)
        return Page(await self._documents(access, found.rows), _next(found, before))

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order of this `entity_id` as it is now; ids are numbers, so that nothing else can be one."""
        if not is_id(external_id):
            return None
        url = f"{access.base_url}/rest/V1/orders/{external_id}"
        answer = await ask(self._http, "GET", url, headers=headers(access), params={"fields": ORDER})
        if answer is None:
            return None
        [document] = await self._documents(access, [value(answer.body, None)])
        return document

    async def _documents(self, access: Access, orders: Sequence[bytes]) -> Sequence[Document]:
        if not orders:
            return ()
        ids = [id_of(order, "entity_id") for order in orders]
        parts = {kind: await self._parts(access, kind, ids) for kind in PARTS}
        return [
            _document(order, {kind: rows[order_id] for kind, rows in parts.items()})
            for order_id, order in zip(ids, orders, strict=True)
        ]

    async def _parts(self, access: Access, kind: str, order_ids: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        """All rows of `kind` that belong to the orders, by the order's id, the oldest first."""
        mine = [Filter("order_id", "in", ",".join(order_ids))]
        rows: defaultdict[str, list[bytes]] = defaultdict(list)
        last = 0
        while True:
            groups = [mine, [Filter("entity_id", "gt", str(last))]] if last else [mine]
            sought = Search(groups=groups, sort=("entity_id",), size=_PARTS_PER_PAGE, fields=PARTS[kind])
            found = await search(self._http, access, kind, sought)
            for row in found.rows:
                rows[id_of(row, "order_id")].append(row)
            if not found.more:
                return rows
            before, last = last, int(id_of(found.rows[-1], "entity_id"))
            _check(moves_on=before < last)


class _Place(NamedTuple):
    """Where an order stands among all that changed."""

    updated_at: str
    entity_id: int

    def __str__(self) -> str:
        return f"{self.updated_at}/{self.entity_id}"


def _place(cursor: str) -> _Place:
    updated_at, _, entity_id = cursor.partition("/")
    return _Place(updated_at, int(entity_id))


def _behind(before: _Place) -> Sequence[Sequence[Filter]]:
    """At the place's second or later, and later or with a greater id."""
    second = before.updated_at
    return [
        [Filter("updated_at", "gteq", second)],
        [Filter("updated_at", "gt", second), Filter("entity_id", "gt", str(before.entity_id))],
    ]


def _next(found: Found, before: _Place | None) -> str | None:
    if not found.more:
        return None
    row = found.rows[-1]
    last = _Place(time_of(row, "updated_at"), int(id_of(row, "entity_id")))
    _check(moves_on=before is None or before < last)
    return str(last)


def _check(*, moves_on: bool) -> None:
    # A shop that does not heed the filters would be read without an end.
    if not moves_on:
        raise ApiRefuses("the rows do not come in the order that was asked for")


def _document(order: bytes, parts: Mapping[str, Sequence[bytes]]) -> Document:
    members = (b'"%b":[%b]' % (kind.encode(), b",".join(rows)) for kind, rows in parts.items())
    return b'{"order":%b,%b}' % (order, b",".join(members))
