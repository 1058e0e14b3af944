"""A stand-in of Shoplazza's (店匠) Admin API for webhooks, stricter than Shoplazza: what is not documented is refused.

Source: shoplazza.dev, "Webhook List", "Webhook Properties" (API 2022-01), "Authentication".
"""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.shoplazza_server import ShoplazzaServer
from tests.services.order_ingest.stores.strict import Refused

PATH: Final = "/openapi/2022-01/webhooks"


class ShoplazzaWebhooks(ShoplazzaServer):
    """One shop. `webhooks` are its hooks, none of which has a state: one that failed too often is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: list[dict[str, Any]] = []
        self.app.router.routes.append(Route(PATH, self._hooks, methods=["GET"]))

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
