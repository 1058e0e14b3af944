"""WooCommerce's REST API (wc/v3), asked for orders.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Authentication over HTTPS", "Pagination", "List all orders";
class-wc-rest-crud-controller.php for `modified_after` and `orderby=modified` (WooCommerce 5.8 and later), which the
orders' page does not list. Lists leave out orders in the trash: status `any` does not stand for `trash`.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import httpx

from services.order_ingest.adapters.store_apis.asking import Answer, ask
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document, Page

# A hundred may be asked for, but a page is made by PHP on a host that may be small, and has ten seconds.
_PER_PAGE: Final = "50"
_ID: Final = re.compile("[0-9]{1,20}")
_SECOND: Final = timedelta(seconds=1)
# Without an offset: WordPress turns a time with one (Z too) into the site's zone and compares that with UTC.
# Source: class-wp-date-query.php, `build_mysql_datetime`.
_TIME: Final = "%Y-%m-%dT%H:%M:%S"


class WoocommerceApi:
    """Asks a site with HTTP Basic, which WooCommerce takes over TLS only.

    A cursor is the second of change at which the next page begins. A page number would not do: an order that changes
    between two pages moves from the front of the list to its end, all behind it move up by one, and the first of the
    next page is passed over. So each page is the first one of what changed from its second on, and gives all its
    orders but those of its last second, which begin the next.

    On sites without high-performance order storage the list is sorted by local time: in the hour that a change of
    clocks repeats, orders may be passed over at a page's border.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Orders changed at or after `since`'s second, without those in the trash."""
        place = _place(cursor) if cursor else _Place(since.astimezone(UTC).replace(microsecond=0))
        if place.page:
            return await self._page_of_one_second(access, place)
        # `modified_after` leaves its own second out.
        answer = await self._list(access, 1, modified_after=_text(place.second - _SECOND), orderby="modified")
        documents = elements(answer.body, None)
        return _from_second(place.second, documents, pages=page_count(answer))

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now, in the trash too; ids are numbers, so that nothing else can be one."""
        if not _ID.fullmatch(external_id):
            return None
        url = f"{access.base_url}/wp-json/wc/v3/orders/{external_id}"
        answer = await ask(self._http, "GET", url, headers=headers(access))
        return None if answer is None else value(answer.body, None)

    async def _page_of_one_second(self, access: Access, place: "_Place") -> Page:
        """One page of the orders that changed in a second with more than one page, from the last page to the first.

        Such a second is over: orders leave it and none come. Those behind a leaving one move up, to pages that are
        still to be asked for.
        """
        around = {"modified_after": _text(place.second - _SECOND), "modified_before": _text(place.second + _SECOND)}
        answer = await self._list(access, place.page, **around, orderby="id")
        before = min(place.page - 1, page_count(answer))
        rest = _Place(place.second, before) if before else _Place(place.second + _SECOND)
        return Page(elements(answer.body, None), str(rest))

    async def _list(self, access: Access, page: int, **filters: str) -> Answer:
        url = f"{access.base_url}/wp-json/wc/v3/orders"
        paging = {"dates_are_gmt": "true", "order": "asc", "per_page": _PER_PAGE, "page": str(page)}
        answer = await ask(self._http, "GET", url, headers=headers(access), params={**filters, **paging})
        if answer is None:
            raise ApiRefuses("there is no wc/v3 at this address: plain permalinks switch it off")
        return answer


class _Place(NamedTuple):
    """Where a page begins. With a page number: that page of just the orders of `second`."""

    second: datetime
    page: int = 0

    def __str__(self) -> str:
        return f"{_text(self.second)}/{self.page}"


def _place(cursor: str) -> _Place:
    second, _, page = cursor.partition("/")
    return _Place(_time(second), int(page))


def _from_second(start: datetime, documents: Sequence[Document], *, pages: int) -> Page:
    """The page of what changed from `start` on, of which `documents` are the first of `pages` pages."""
    if pages <= 1:
        return Page(documents)
    changed = [_changed_at(document) for document in documents]
    if not changed:
        raise ApiRefuses("the key may not read the orders that it may list")
    if min(changed) < start:
        raise ApiRefuses("orders from before the time that was asked for: WooCommerce 5.8 or later is needed")
    last = max(changed)  # not the last one's: sorted by local time it may lie before the others
    whole = [document for document, at in zip(documents, changed, strict=True) if at != last]
    # A bulk edit may leave more than a page in one second: only that second's orders are asked for then.
    return Page(whole, str(_Place(last) if whole else _Place(last, pages)))


def headers(access: Access) -> Mapping[str, str]:
    """Whoever asks is known by the key and its secret."""
    pair = f"{access.credentials['consumer_key']}:{access.credentials['consumer_secret']}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}", "Accept": "application/json"}


def page_count(answer: Answer) -> int:
    """How many pages the list has of which this is one."""
    pages = answer.headers.get("x-wp-totalpages", "")
    if not re.fullmatch("[0-9]{1,9}", pages):
        raise ApiAway("the list does not say how many pages it has")
    return int(pages)


def _changed_at(document: Document) -> datetime:
    try:
        return _time(value(document, "date_modified_gmt").decode().strip('"'))
    except ValueError as error:
        raise ApiAway("an order does not say when it was changed") from error


def _text(second: datetime) -> str:
    return second.strftime(_TIME)


def _time(text: str) -> datetime:
    return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
