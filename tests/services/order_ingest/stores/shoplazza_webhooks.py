"""A stand-in of Shoplazza's (店匠) Admin API for webhooks, stricter than Shoplazza: what is not documented is refused.

Source: shoplazza.dev, "Webhook List", "Webhook Properties", "Create Webhook", "Webhook best practices" (API 2022-01),
"Authentication". A second webhook of one topic and address is not documented, and refused here.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.shoplazza_server import ShoplazzaServer
from tests.services.order_ingest.stores.strict import Refused

PATH: Final = "/openapi/2022-01/webhooks"
_ORDERS: Final = (
    "create update paid partially_fulfilled fulfilled finished partially_refunded refunded cancelled delete"
)
TOPICS: Final = frozenset(
    {
        "app/uninstalled",
        *(f"orders/{each}" for each in _ORDERS.split()),
        *(f"{of}/{each}" for of in ("products", "customers") for each in ("create", "update", "delete")),
    }
)


class ShoplazzaWebhooks(ShoplazzaServer):
    """One shop. `webhooks` are its hooks, none of which has a state: one that failed too often is gone.

    `made` are those asked for by API; `losing`: the next is made, and the answer lost on its way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: list[dict[str, Any]] = []
        self.made: list[dict[str, str]] = []
        self.losing = False
        self.app.router.routes.append(Route(PATH, self._hooks, methods=["GET"]))
        self.app.router.routes.append(Route(PATH, self._create, methods=["POST"]))

    def subscribe(self, topic: str, address: str) -> None:
        """The hook is there from now on."""
        self.webhooks.append(
            {
                "id": f"91d138d0-2a31-49da-a61d-{len(self.webhooks):012d}",
                "address": address,
                "topic": topic,
                "created_at": "2026-04-30T23:50:38Z",
                "updated_at": "2026-04-30T23:50:38Z",
                "format": "json",
            }
        )

    def delete(self, *topics: str) -> None:
        """What leads anywhere under these topics is gone, as after 19 failures."""
        self.webhooks = [hook for hook in self.webhooks if hook["topic"] not in topics]

    async def _create(self, request: Request) -> Response:
        """A webhook is made. Source: "Create Webhook"."""
        body = await request.body()
        return self._answered(request, lambda asked, query: self._created(asked, query, body))

    def _created(self, request: Request, query: Mapping[str, str], body: bytes) -> Response:
        sent = json.loads(body)
        if query or request.headers.get("content-type") != "application/json" or set(sent) != {"address", "topic"}:
            raise Refused(JSONResponse({"errors": ["invalid"]}, 400))
        topic, address = sent["topic"], sent["address"]
        if topic not in TOPICS or not address.startswith(("https://", "http://")):
            raise Refused(JSONResponse({"errors": {"topic": ["is invalid"], "address": ["is invalid"]}}, 422))
        if any((hook["topic"], hook["address"]) == (topic, address) for hook in self.webhooks):
            raise Refused(JSONResponse({"errors": {"address": ["is taken"]}}, 422))
        self.subscribe(topic, address)
        self.made.append(sent)
        if self.losing:
            self.losing = False
            raise Refused(JSONResponse({"errors": ["Gateway Timeout"]}, 504))
        return JSONResponse({"webhook": self.webhooks[-1]})

    async def _hooks(self, request: Request) -> Response:
        """A page of webhooks. Source: "Webhook List": 50 unless `limit` says otherwise, 250 at most; no total."""
        return self._answered(request, self._hook_page)

    def _hook_page(self, request: Request, query: Mapping[str, str]) -> Response:
        page, size = query.get("page", "1"), query.get("limit", "50")
        if set(query) - {"page", "limit"} or not (page.isdecimal() and size.isdecimal()):
            raise Refused(JSONResponse({"errors": ["invalid"]}, 400))
        if int(page) < 1 or not 1 <= int(size) <= 250:
            raise Refused(JSONResponse({"errors": ["invalid"]}, 400))
        start = (int(page) - 1) * int(size)
        return JSONResponse({"webhooks": self.webhooks[start : start + int(size)]})
