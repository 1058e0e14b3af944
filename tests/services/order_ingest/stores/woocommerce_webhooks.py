"""A stand-in of WooCommerce's REST API (wc/v3) for webhooks, stricter than WooCommerce: unknown parameters are refused.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Webhook properties", "List all webhooks", "Pagination",
"Authentication over HTTPS". It has the orders of `WoocommerceServer`, too.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.strict import Refused
from tests.services.order_ingest.stores.woocommerce_server import WoocommerceServer

PATH: Final = "/wp-json/wc/v3/webhooks"
_KNOWN: Final = {"page", "per_page", "order", "orderby", "status"}
_STATUSES: Final = ("active", "paused", "disabled")


class WoocommerceWebhooks(WoocommerceServer):
    """One site. `webhooks` are its hooks by number; `hook_failures` are answered before they are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.webhooks: dict[int, dict[str, Any]] = {}
        self.hook_failures: list[Response] = []
        self.app.router.routes.append(Route(PATH, self._hooks, methods=["GET"]))

    def subscribe(self, topic: str, address: str, status: str = "active") -> int:
        """The number of a hook that is there from now on."""
        assert status in _STATUSES
        number = 100 + len(self.webhooks)
        resource, _, event = topic.partition(".")
        self.webhooks[number] = {
            "id": number,
            "name": f"Webhook {number}",
            "status": status,
            "topic": topic,
            "resource": resource,
            "event": event,
            "hooks": [],
            "delivery_url": address,
            # All of one second, as of a plugin that makes its hooks together.
            "date_created": "2026-05-01T10:00:00",
            "date_created_gmt": "2026-05-01T08:00:00",
            "date_modified": "2026-05-01T10:00:00",
            "date_modified_gmt": "2026-05-01T08:00:00",
        }
        return number

    async def _hooks(self, request: Request) -> Response:
        """A page of webhooks, and in headers how many there are. Source: "List all webhooks", "Pagination"."""
        if self.hook_failures:
            self.asked.append(request.url.path)
            return self.hook_failures.pop(0)
        return self._answered(request, self._hook_page)

    def _hook_page(self, request: Request, query: Mapping[str, str]) -> Response:
        """By date, where the number was not asked for: then those of one second come in any order, here shuffled."""
        page, size = _number(query, "page", 1, 10**6), _number(query, "per_page", 10, 100)
        status, by = query.get("status", "all"), query.get("orderby", "date")
        if set(query) - _KNOWN or status not in ("all", *_STATUSES) or by not in ("date", "id"):
            raise _refused()
        if query.get("order", "desc") not in ("asc", "desc"):
            raise _refused()
        rows = [row for row in self.webhooks.values() if status in ("all", row["status"])]
        rows.sort(key=lambda row: row["id"] if by == "id" else (row["id"] * 7919 * page) % 1009)
        if query.get("order", "desc") == "desc":
            rows.reverse()
        counts = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        return JSONResponse(rows[(page - 1) * size : page * size], headers=counts)


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    value = query.get(name, str(default))
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise _refused()
    return int(value)


def _refused() -> Refused:
    body = {"code": "rest_invalid_param", "message": "Invalid parameter(s)", "data": {"status": 400}}
    return Refused(Response(json.dumps(body), 400, media_type="application/json"))
