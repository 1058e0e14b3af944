"""The webhooks of a Shoplazza (店匠) shop.

Source: shoplazza.dev, "Webhook List", "Webhook Properties", "Create Webhook" (API 2022-01). A webhook has no state: one
that has failed too often is deleted. The documentation names no total, so that a page that is not full is the last. It
leaves open what becomes of a second webhook of one topic and address: whoever makes one looks first.
"""

from collections.abc import Sequence
from typing import Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.hook_rows import all_pages, member, rows_of, subscription
from services.order_ingest.adapters.store_apis.shoplazza import headers
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Subscription

_PER_PAGE: Final = 100


class ShoplazzaHooks:
    """Asks a shop with its access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        """All webhooks that are registered."""
        url = _address(access)

        async def page(number: int) -> tuple[Sequence[Subscription], bool]:
            params = {"limit": str(_PER_PAGE), "page": str(number)}
            answer = await ask(self._http, "GET", url, headers=headers(access), params=params)
            if answer is None:
                raise ApiRefuses("there is no list of webhooks at this address")
            rows = rows_of(member(answer.json(), "webhooks"))
            hooks = [subscription(topic=row.get("topic"), address=row.get("address"), active=True) for row in rows]
            return hooks, len(rows) >= _PER_PAGE

        return await all_pages(page)

    async def subscribe(self, access: Access, *, topic: str, address: str) -> None:
        """The webhook is registered; the token needs the scope of what the topic is about, such as `read_order`."""
        content = {"address": address, "topic": topic}
        answer = await ask(self._http, "POST", _address(access), headers=headers(access), document=content)
        if answer is None:
            raise ApiRefuses("no webhooks are made at this address")
        if member(member(answer.json(), "webhook"), "topic") != topic:
            raise ApiAway("the answer does not show the webhook")


def _address(access: Access) -> str:
    return f"{access.base_url}/openapi/2022-01/webhooks"
