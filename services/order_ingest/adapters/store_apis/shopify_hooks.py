"""The webhook subscriptions of a Shopify shop.

Source: shopify.dev, GraphQL Admin API 2026-04, "webhookSubscriptions", "WebhookSubscription". A subscription has no
state: one that has failed for four hours is removed. The list holds those that the asking app made by API for the
shop, not those of its configuration file nor those made under Settings > Notifications. No scope is needed for it.
"""

from collections.abc import Sequence
from typing import Final

import httpx

from services.order_ingest.adapters.store_apis.hook_rows import all_pages, member, rows_of, subscription
from services.order_ingest.adapters.store_apis.shopify_graphql import execute
from services.order_ingest.application.store_apis import Access, ApiAway, Subscription

_PER_PAGE: Final = 100
_LIST: Final = """query Hooks($first: Int!, $after: String) {
  webhookSubscriptions(first: $first, after: $after) { nodes { topic uri } pageInfo { hasNextPage endCursor } }
}"""


class ShopifyHooks:
    """Asks a shop with its access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        """The app's subscriptions for this shop; topics are named as GraphQL does, as ORDERS_CREATE."""
        after: str | None = None

        async def page(number: int) -> tuple[Sequence[Subscription], bool]:
            nonlocal after
            found = await execute(self._http, access, _LIST, {"first": _PER_PAGE, "after": after})
            rows, info = rows_of(found.get("nodes")), found.get("pageInfo")
            hooks = [subscription(topic=row.get("topic"), address=row.get("uri"), active=True) for row in rows]
            after, has_more = member(info, "endCursor"), member(info, "hasNextPage")
            if not isinstance(has_more, bool) or (has_more and not isinstance(after, str)):
                raise ApiAway("the list does not say where it goes on")
            return hooks, has_more

        return await all_pages(page)
