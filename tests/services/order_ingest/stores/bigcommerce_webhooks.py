"""A stand-in of BigCommerce's API for webhooks, stricter than the platform.

Source: developer.bigcommerce.com, "Webhooks V3", "Get Webhooks"; "About Our APIs", "API Status Codes". Of what the
list can be filtered by nothing is taken but its pages.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.bigcommerce_server import BigcommerceServer

_MOST: Final = 250


class BigcommerceWebhooks:
    """One store: `server` has its orders, `webhooks` its hooks."""

    def __init__(self) -> None:
        self.server = BigcommerceServer()
        self.app = self.server.app
        self.webhooks: list[dict[str, Any]] = []
        # In front of what answers all other paths.
        self.app.router.routes.insert(0, Route("/stores/{store_hash}/v3/hooks", self._hooks, methods=["GET"]))

    def subscribe(self, scope: str, destination: str, *, is_active: bool = True) -> None:
        """The hook is there from now on."""
        self.webhooks.append(
            {
                "id": 18048287 + len(self.webhooks),
                "client_id": "m9r6keqmo7h7f23btnpwernbez1kglkl",
                "store_hash": self.server.store_hash,
                "scope": scope,
                "destination": destination,
                "headers": None,
                "is_active": is_active,
                "created_at": 1561488106,
                "updated_at": 1561488106,
            }
        )

    async def _hooks(self, request: Request) -> Response:
        """A page of webhooks and how many pages there are. Source: "Get Webhooks", `meta.pagination`."""
        query = self.server._admitted(request, ("page", "limit"))
        if query is None:
            return self.server._failure()
        page, size = query.get("page", "1"), query.get("limit", "50")
        if not (page.isdecimal() and size.isdecimal() and int(page) > 0 and 0 < int(size) <= _MOST):
            return JSONResponse({"status": 400, "title": "Input is invalid."}, 400)
        start, total = (int(page) - 1) * int(size), len(self.webhooks)
        rows = self.webhooks[start : start + int(size)]
        pagination = {
            "total": total,
            "count": len(rows),
            "per_page": int(size),
            "current_page": int(page),
            "total_pages": -(-total // int(size)),
        }
        return JSONResponse({"data": rows, "meta": {"pagination": pagination}})
