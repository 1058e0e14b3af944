"""Shopify's REST Admin API, asked for orders.

Source: shopify.dev, "Order" (REST Admin API), "Make paginated requests to the REST Admin API", "REST Admin API rate
limits". The parameter `order` is not on those pages; Shopify has long taken it, and its page cursors hold the value
that the list is sorted by. Without the scope `read_all_orders` an app is shown the orders of 60 days only.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Document, Page

_PER_PAGE: Final = "250"
_ID: Final = re.compile("[0-9]{1,20}")
_LINK: Final = re.compile(r"<([^>]*)>([^<]*)")
_NEXT: Final = re.compile(r"""\brel\s*=\s*"?next\b""")
_PAGE_INFO: Final = re.compile("[?&]page_info=([^&#]+)")


class ShopifyApi:
    """Asks a shop with its access token. A cursor is Shopify's own `page_info`: the last order's time of change and id.

    An order that changes between two pages moves to the end of the list, ahead of the cursor: none is passed over.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Orders of every status changed at or after `since`'s second; Shopify's cursors do not last for ever."""
        url = f"{access.base_url}/orders.json"
        answer = await ask(self._http, "GET", url, headers=_headers(access), params=_question(since, cursor))
        if answer is None:
            raise ApiRefuses("there are no orders at this address")
        return Page(elements(answer.body, "orders"), _next_page(answer.headers))

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now; ids are numbers, so that nothing else can be one."""
        if not _ID.fullmatch(external_id):
            return None
        url = f"{access.base_url}/orders/{external_id}.json"
        answer = await ask(self._http, "GET", url, headers=_headers(access))
        return None if answer is None else value(answer.body, "order")


def _headers(access: Access) -> Mapping[str, str]:
    return {"X-Shopify-Access-Token": access.credentials["access_token"], "Accept": "application/json"}


def _question(since: datetime, cursor: str | None) -> Mapping[str, str]:
    if cursor is not None:
        return {"limit": _PER_PAGE, "page_info": cursor}  # with a page_info every filter is refused: it holds them
    second = since.astimezone(UTC).replace(microsecond=0)
    return {"status": "any", "updated_at_min": second.isoformat(), "order": "updated_at asc", "limit": _PER_PAGE}


def _next_page(headers: httpx.Headers) -> str | None:
    for url, attributes in _LINK.findall(headers.get("link", "")):
        if _NEXT.search(attributes):
            found = _PAGE_INFO.search(url)
            if found is None:
                raise ApiAway("the link to the next page has no page_info")
            return unquote(found[1])
    return None
