"""Orders from Amazon's Selling Partner API.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, operations searchOrders and getOrder;
developer-docs.amazon.com/sp-api, "Connect to the SP-API". Both answers hold whole orders with their items, so a page
is one question. The search is the scarce one: 20 at once, then one in three minutes, so its pages are as long as may
be. It does not say in which order it answers: within a page the orders are put into that of their changes.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.amazon_rates import paced
from services.order_ingest.adapters.store_apis.amazon_sites import marketplace_id
from services.order_ingest.adapters.store_apis.amazon_tokens import Tokens
from services.order_ingest.adapters.store_apis.asking import Answer, ask
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiRefuses, Document, Page

_ORDERS: Final = "/orders/2026-01-01/orders"
_INCLUDED: Final = "BUYER,RECIPIENT,PROCEEDS,CANCELLATION,FULFILLMENT,PACKAGES"
_PAGE_SIZE: Final = "100"
_ORDER_ID: Final = re.compile("[0-9A-Z]{3}-[0-9]{7}-[0-9]{7}")
_SETTLED: Final = timedelta(minutes=3)
"""The search ends two minutes before the question, and may not begin after its end; clocks differ."""


class AmazonApi:
    """Credentials: `client_id`, `client_secret` and `refresh_token` of the app, as the seller authorised it."""

    def __init__(self, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._http = paced(http)
        self._tokens = Tokens(self._http, now)
        self._now = now

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Up to a hundred orders of the store's marketplace that changed at or after `since`'s second.

        What changed in the last two minutes is not among them yet. A cursor is good for 24 hours, as Amazon's own
        token inside it is.
        """
        after, token = _resumed(cursor) if cursor else (_stamp(min(since, self._now() - _SETTLED)), None)
        params = {
            "lastUpdatedAfter": after,
            "marketplaceIds": marketplace_id(access.site),
            "maxResultsPerPage": _PAGE_SIZE,
            "includedData": _INCLUDED,
        }
        answer = await self._ask(access, _ORDERS, params if token is None else {**params, "paginationToken": token})
        if answer is None:
            raise ApiRefuses(f"nothing at {_ORDERS}")
        return _page(answer, after)

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now; None also for an order of another marketplace of the same seller."""
        site = marketplace_id(access.site)
        if not _ORDER_ID.fullmatch(external_id):
            return None
        answer = await self._ask(access, f"{_ORDERS}/{external_id}", {"includedData": _INCLUDED})
        if answer is None:
            return None
        document = value(answer.body, "order")
        return document if _marketplace(answer.json()["order"]) in (site, None) else None

    async def _ask(self, access: Access, path: str, params: Mapping[str, str]) -> Answer | None:
        known = self._tokens.known(access)
        if known is not None:
            try:
                return await self._asked(access, path, params, known)
            except ApiRefuses:
                # A kept token may have been taken back: only what a new one does not get is refused.
                self._tokens.forget(access)
        return await self._asked(access, path, params, await self._tokens.renewed(access))

    async def _asked(self, access: Access, path: str, params: Mapping[str, str], token: str) -> Answer | None:
        headers = {
            "Accept": "application/json",
            # The form of the name is Amazon's: application, version, language.
            "User-Agent": "Huitou/1.0 (Language=Python)",
            "x-amz-access-token": token,
            "x-amz-date": self._now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
        }
        return await ask(self._http, "GET", f"{access.base_url}{path}", headers=headers, params=params)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _resumed(cursor: str) -> tuple[str, str]:
    """The first page's beginning and the next page's token: one is not taken without the other."""
    after, _, token = cursor.partition(" ")
    return after, token


def _page(answer: Answer, after: str) -> Page:
    documents, found = elements(answer.body, "orders"), answer.json()
    by_change = sorted(zip(map(_changed, found["orders"]), documents, strict=True), key=lambda each: each[0])
    token = _member(found.get("pagination"), "nextToken")
    goes_on = isinstance(token, str) and token != ""
    return Page([document for _, document in by_change], f"{after} {token}" if goes_on else None)


def _changed(order: Any) -> str:
    return str(_member(order, "lastUpdatedTime") or "")


def _marketplace(order: Any) -> Any:
    return _member(_member(order, "salesChannel"), "marketplaceId")


def _member(found: Any, name: str) -> Any:
    return found.get(name) if isinstance(found, Mapping) else None
