"""A stand-in of Shopify's REST Admin API for orders, stricter than Shopify: what is not documented is refused.

Source: shopify.dev, "Order" (REST Admin API), "Make paginated requests to the REST Admin API", "REST Admin API rate
limits", "Authentication". Orders are kept as the text they were put in as, and are given out as that text.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.stores.strict import Refused, StrictShop

TOKEN = "shpat_0123456789"
_ROOT = "/admin/api/2026-04"
BASE_URL = f"https://acme.myshopify.com{_ROOT}"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_FILTERS = {"status", "updated_at_min", "order", "limit"}
_PAGING = {"page_info", "limit"}


class _Refused(Refused):
    def __init__(self, status: int, errors: Any) -> None:
        super().__init__(JSONResponse({"errors": errors}, status))


class ShopifyServer(StrictShop):
    """One shop."""

    def __init__(self) -> None:
        super().__init__()
        self.app = Starlette(
            routes=[
                Route(f"{_ROOT}/orders.json", self._list, methods=["GET"]),
                Route(f"{_ROOT}/orders/{{order_id:int}}.json", self._one, methods=["GET"]),
            ]
        )

    async def _list(self, request: Request) -> Response:
        """A page of orders with links to its neighbours. Source: "Order", GET orders; "Make paginated requests"."""
        return self._answered(request, self._page)

    async def _one(self, request: Request) -> Response:
        """One order. Source: "Order", GET orders/{order_id}."""
        return self._answered(request, self._single)

    def _query(self, request: Request) -> Mapping[str, str]:
        _check_token(request)
        return _only_once(request)

    def _single(self, request: Request, query: Mapping[str, str]) -> Response:
        if query:
            raise _Refused(400, f"unknown: {sorted(query)}")
        text = self._orders.get(request.path_params["order_id"])
        if text is None:
            raise _Refused(404, "Not Found")
        return _json(b'{"order":' + text + b"}")

    def _page(self, request: Request, query: Mapping[str, str]) -> Response:
        cursor = query.get("page_info")
        if set(query) - (_FILTERS if cursor is None else _PAGING):
            raise _Refused(400, f"cannot be passed: {sorted(query)}")
        limit = _limit(query)
        state = _opened(cursor) if cursor is not None else _first(query)
        shown = [order for order in sorted(map(_Listed, self._orders.values()), key=_place) if _is_shown(order, state)]
        texts = b",".join(order.text for order in shown[:limit])
        return _json(b'{"orders":[' + texts + b"]}", _links(shown, limit, state))


class _Listed:
    def __init__(self, text: bytes) -> None:
        body = json.loads(text)
        self.text = text
        self.id: int = body["id"]
        self.updated_at = datetime.fromisoformat(body["updated_at"])
        self.is_open = not body.get("cancelled_at") and not body.get("closed_at")


def _place(order: _Listed) -> tuple[datetime, int]:
    return order.updated_at, order.id


def _is_shown(order: _Listed, state: Mapping[str, Any]) -> bool:
    if state["status"] == "open" and not order.is_open:
        return False
    if order.updated_at < datetime.fromisoformat(state["min"]):
        return False
    return "last" not in state or _place(order) > (datetime.fromisoformat(state["last"]), state["last_id"])


def _limit(query: Mapping[str, str]) -> int:
    stated = query.get("limit", "50")
    if not stated.isdecimal() or not 1 <= int(stated) <= 250:
        raise _Refused(400, "limit")
    return int(stated)


def _first(query: Mapping[str, str]) -> dict[str, Any]:
    if query.get("order") != "updated_at asc":
        raise _Refused(400, "order")
    if query.get("status", "open") not in ("open", "any"):
        raise _Refused(400, "status")
    if not _INSTANT.fullmatch(query.get("updated_at_min", "")):
        raise _Refused(400, "updated_at_min")
    return {"status": query.get("status", "open"), "min": query["updated_at_min"]}


def _opened(cursor: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(urlsafe_b64decode(cursor))
        return found
    except ValueError:
        raise _Refused(400, {"page_info": "Invalid value."}) from None


def _links(shown: list[_Listed], limit: int, state: Mapping[str, Any]) -> dict[str, str]:
    found = []
    if "last" in state:
        found.append(_link(dict(state), limit, "previous"))
    if len(shown) > limit:
        last = shown[limit - 1]
        found.append(_link({**state, "last": last.updated_at.isoformat(), "last_id": last.id}, limit, "next"))
    return {"link": ", ".join(found)} if found else {}


def _link(state: Mapping[str, Any], limit: int, relation: str) -> str:
    cursor = urlsafe_b64encode(encoded(state)).decode().replace("=", "%3D")
    return f'<{BASE_URL}/orders.json?limit={limit}&page_info={cursor}>; rel="{relation}"'


def _check_token(request: Request) -> None:
    if request.headers.get("x-shopify-access-token") != TOKEN:
        raise _Refused(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")


def _only_once(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise _Refused(400, "a parameter stands twice")
    return dict(pairs)


def _json(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, 200, dict(headers or {}), "application/json; charset=utf-8")
