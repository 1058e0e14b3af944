"""Shoplazza's (店匠) Admin API, asked for orders.

Source: shoplazza.dev, "Order List", "Order Details" (API 2022-01), "Rate limits". The documentation names no order in
which a list comes, and no total.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from libs.kernel.instants import instant_of
from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document, Page

_PER_PAGE: Final = 100
_ORDERS: Final = "/openapi/2022-01/orders"
_ID: Final = re.compile("[0-9A-Za-z_-]{1,128}")
_SECOND: Final = timedelta(seconds=1)
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class ShoplazzaApi:
    """Asks a shop with its access token.

    A cursor is a span of time. Page numbers could pass orders over: whatever the list is sorted by, an order that
    changes or goes may move the others. So a span is asked for whose orders fit on one page, half of it when they do
    not, and the next span begins where it ends. Only a single second with more orders than that is asked for by page.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Orders changed at or after `since`'s second, open checkouts among them."""
        span = _span(cursor) if cursor else _Span(_floor(since))
        documents = await self._list(access, span)
        changed = [_changed_at(document) for document in documents]
        full = len(documents) >= _PER_PAGE
        if full and span.can_be_narrowed:
            return Page((), str(span.narrowed(max(changed))))
        inside = sorted(
            ((at, document) for at, document in zip(changed, documents, strict=True) if span.holds(at)),
            key=lambda each: each[0],
        )
        rest = span.next_page() if full else span.rest(len(documents))
        return Page([document for _, document in inside], str(rest) if rest else None)

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now."""
        if not _ID.fullmatch(external_id):
            return None
        url = f"{access.base_url}{_ORDERS}/{external_id}"
        answer = await ask(self._http, "GET", url, headers=headers(access))
        return None if answer is None else value(answer.body, "order")

    async def _list(self, access: Access, span: "_Span") -> Sequence[Document]:
        url = f"{access.base_url}{_ORDERS}"
        answer = await ask(self._http, "GET", url, headers=headers(access), params=span.question())
        if answer is None:
            raise ApiRefuses("there are no orders at this address")
        return elements(answer.body, "orders")


@dataclass(frozen=True, slots=True)
class _Span:
    """The seconds from `start` to before `start` plus `seconds`; 0 seconds: to no end.

    `until` is as far as spans are measured out: what changed from there on is asked for without an end.
    """

    start: datetime
    seconds: int = 0
    until: datetime | None = None
    page: int = 1

    def __str__(self) -> str:
        return f"{_text(self.start)}/{self.seconds}/{_text(self.until or self.start)}/{self.page}"

    def question(self) -> Mapping[str, str]:
        # Both limits are inclusive. The end is asked for too, since a time may have been cut to its second.
        end = {"updated_at_max": _text(self._end)} if self.seconds else {}
        return {"updated_at_min": _text(self.start), **end, "limit": str(_PER_PAGE), "page": str(self.page)}

    def holds(self, at: datetime) -> bool:
        return not self.seconds or at < self._end

    @property
    def can_be_narrowed(self) -> bool:
        return self.seconds != 1

    def narrowed(self, newest: datetime) -> "_Span":
        """Half of it; of a span without end half of what lies before the newest change that was seen."""
        if self.seconds:
            return _Span(self.start, self.seconds // 2, self.until)
        until = max(newest, self.start) + _SECOND
        return _Span(self.start, max(1, (until - self.start) // _SECOND // 2), until)

    def next_page(self) -> "_Span":
        return _Span(self.start, self.seconds, self.until, self.page + 1)

    def rest(self, found: int) -> "_Span | None":
        """What comes behind it, twice as long where `found` few orders leave room; None: nothing does."""
        if not self.seconds:
            return None
        if self.until is None or self._end >= self.until:
            return _Span(self._end)
        longer = self.seconds * 2 if found * 3 < _PER_PAGE else self.seconds
        return _Span(self._end, min(longer, (self.until - self._end) // _SECOND), self.until)

    @property
    def _end(self) -> datetime:
        return self.start + self.seconds * _SECOND


def _span(cursor: str) -> _Span:
    start, seconds, until, page = cursor.split("/")
    return _Span(instant_of(start), int(seconds), instant_of(until), int(page))


def headers(access: Access) -> Mapping[str, str]:
    """Whoever asks is known by the shop's access token."""
    return {"access-token": access.credentials["access_token"], "Accept": "application/json"}


def _changed_at(document: Document) -> datetime:
    try:
        return _floor(instant_of(value(document, "updated_at").decode().strip('"')))
    except ValueError as error:
        raise ApiAway("an order does not say when it was changed") from error


def _floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _text(second: datetime) -> str:
    return second.strftime(_TIME)
