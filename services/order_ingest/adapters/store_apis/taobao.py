"""Taobao's and Tmall's trades, asked of TOP: single ones whole, and all that were modified since an instant.

Source: open.taobao.com, "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get", "taobao.refund.get".
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.slicing import value
from services.order_ingest.adapters.store_apis.taobao_gateway import Gateway, parsed
from services.order_ingest.adapters.store_apis.taobao_windows import PAGE_SIZE, Place, first_place
from services.order_ingest.application.store_apis import Access, ApiAway, Document, Page

# `buyer_open_uid` comes only to those who also ask for `buyer_nick`.
_TRADE_FIELDS: Final = (
    "tid,type,status,step_trade_status,payment,post_fee,total_fee,discount_fee,created,pay_time,consign_time,end_time,"
    "modified,buyer_nick,buyer_open_uid,trade_from,orders"
)
_REFUND_FIELDS: Final = "refund_id,tid,oid,status,refund_fee,reason,created,modified,end_time,refund_phase"
_NEVER_REFUNDED: Final = "NO_REFUND"
_NUMBER: Final = re.compile("[1-9][0-9]{0,18}")
_COUNT: Final = re.compile("[0-9]{1,9}")
_WINDOWS_A_CALL: Final = 4
"""So many empty windows are passed over before an empty page is given, to stay within a call's time."""


class TaobaoApi:
    """One platform's API."""

    def __init__(self, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Trades modified at or after `since`, window by window, each window's oldest page first.

        An order that stands on the border of two windows is told in both.
        """
        gateway = Gateway(self._http, access, self._now)
        place = Place.from_cursor(cursor) if cursor else first_place(since, self._now())
        tids: Sequence[str] = ()
        for _ in range(_WINDOWS_A_CALL):
            if tids or place is None:
                break
            tids, place = await _page(gateway, place)
        documents = [found for tid in tids if (found := await _document(gateway, tid)) is not None]
        return Page(documents, place.cursor if place else None)

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The trade with its refunds; None if the seller has none of that number."""
        if not _NUMBER.fullmatch(external_id):
            return None
        return await _document(Gateway(self._http, access, self._now), external_id)


async def _page(gateway: Gateway, place: Place) -> tuple[Sequence[str], Place | None]:
    """The trades at the place, oldest first, and the place behind it."""
    if place.page_no is None:
        counted = await _listed(gateway, place, page_no=1, use_has_next="false")
        place = place.counted(_total(counted))
        if place.page_no == 1:
            return _tids(counted), place.following()
    found = await _listed(gateway, place, page_no=place.page_no or 1, use_has_next="true")
    return _tids(found), place.following()


async def _listed(gateway: Gateway, place: Place, *, page_no: int, use_has_next: str) -> Any:
    words = {
        "fields": "tid,modified",
        "start_modified": place.start_words,
        "end_modified": place.end_words,
        "page_no": str(page_no),
        "page_size": str(PAGE_SIZE),
        "use_has_next": use_has_next,
    }
    answer = await gateway.call("taobao.trades.sold.increment.get", words)
    if answer is None:
        raise ApiAway("a list of trades was asked for, and a trade is said to be missing")
    return parsed(answer)


async def _document(gateway: Gateway, tid: str) -> Document | None:
    answer = await gateway.call("taobao.trade.fullinfo.get", {"fields": _TRADE_FIELDS, "tid": tid})
    if answer is None:
        return None
    trade = value(answer, "trade")
    refunds = []
    for refund_id in dict.fromkeys(_refund_ids(parsed(trade))):
        found = await gateway.call("taobao.refund.get", {"fields": _REFUND_FIELDS, "refund_id": refund_id})
        if found is not None:
            refunds.append(value(found, "refund"))
    return b'{"trade":%b,"refunds":[%b]}' % (trade, b",".join(refunds))


def _refund_ids(trade: Any) -> Iterator[str]:
    """The latest refund of each sub-order; of earlier ones a trade does not tell."""
    for order in _items(trade, "orders", "order"):
        refund_id = str(order.get("refund_id"))
        if _NUMBER.fullmatch(refund_id) and order.get("refund_status") != _NEVER_REFUNDED:
            yield refund_id


def _tids(answer: Any) -> list[str]:
    """The numbers of the trades, which come the latest first."""
    found = [str(trade.get("tid")) for trade in reversed(_items(answer, "trades", "trade"))]
    if not all(map(_NUMBER.fullmatch, found)):
        raise ApiAway("a trade has no number")
    return found


def _total(answer: Any) -> int:
    total = str(answer.get("total_results")) if isinstance(answer, dict) else ""
    if not _COUNT.fullmatch(total):
        raise ApiAway("total_results is no number")
    return int(total)


def _items(answer: Any, outer: str, inner: str) -> list[dict[str, Any]]:
    """The objects of a list, which lies in an object of its own and is left away when it is empty."""
    holder = answer.get(outer) if isinstance(answer, dict) else None
    found = holder.get(inner) if isinstance(holder, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
