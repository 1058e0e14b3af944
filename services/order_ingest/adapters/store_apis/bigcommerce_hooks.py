"""The webhooks of a BigCommerce store.

Source: developer.bigcommerce.com, "Webhooks V3", "Get Webhooks". The list holds the webhooks of the API account whose
token asks, which needs no scope for it. `is_active` ends after too many failures, and after 90 days without an event.
"""

from collections.abc import Sequence
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.bigcommerce import headers
from services.order_ingest.adapters.store_apis.hook_rows import all_pages, member, rows_of, subscription
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Subscription

_PER_PAGE: Final = "50"


class BigcommerceHooks:
    """Asks a store with its access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        """Webhooks that are active and others."""
        url = f"{access.base_url}/v3/hooks"

        async def page(number: int) -> tuple[Sequence[Subscription], bool]:
            params = {"limit": _PER_PAGE, "page": str(number)}
            answer = await ask(self._http, "GET", url, headers=headers(access), params=params)
            if answer is None:
                raise ApiRefuses("there is no /v3/hooks at this address")
            found = answer.json()
            hooks = [
                subscription(
                    topic=row.get("scope"), address=row.get("destination"), active=row.get("is_active") is True
                )
                for row in rows_of(member(found, "data"))
            ]
            return hooks, number < _page_count(found)

        return await all_pages(page)


def _page_count(found: Any) -> int:
    pages = member(member(member(found, "meta"), "pagination"), "total_pages")
    if not isinstance(pages, int):
        raise ApiAway("the list does not say how many pages it has")
    return pages
