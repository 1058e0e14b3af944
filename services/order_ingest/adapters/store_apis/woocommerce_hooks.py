"""The webhooks of a WooCommerce site.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Webhooks", "Webhook properties", "List all webhooks",
"Pagination". A webhook is `active`, `paused` by somebody, or `disabled` after more than five failed deliveries. The
key's user must be one who manages WooCommerce.
"""

from collections.abc import Sequence
from typing import Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.hook_rows import all_pages, rows_of, subscription
from services.order_ingest.adapters.store_apis.woocommerce import headers, page_count
from services.order_ingest.application.store_apis import Access, ApiRefuses, Subscription

_PER_PAGE: Final = "100"


class WoocommerceHooks:
    """Asks a site with HTTP Basic."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        """Webhooks of every status: the list holds all unless a status is asked for."""
        url = f"{access.base_url}/wp-json/wc/v3/webhooks"

        async def page(number: int) -> tuple[Sequence[Subscription], bool]:
            # By number: the default is the date, which several may share.
            params = {"orderby": "id", "order": "asc", "per_page": _PER_PAGE, "page": str(number)}
            answer = await ask(self._http, "GET", url, headers=headers(access), params=params)
            if answer is None:
                raise ApiRefuses("there is no wc/v3/webhooks at this address")
            hooks = [
                subscription(
                    topic=row.get("topic"), address=row.get("delivery_url"), active=row.get("status") == "active"
                )
                for row in rows_of(answer.json())
            ]
            return hooks, number < page_count(answer)

        return await all_pages(page)
