"""A stand-in of WooCommerce's REST API (wc/v3) for orders, stricter than WooCommerce: unknown parameters are refused.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Authentication over HTTPS", "Errors", "Pagination", "Retrieve
an order", "List all orders"; class-wc-rest-crud-controller.php for `modified_after`, `modified_before` and
`orderby=modified`. Orders are kept as the text they were put in as, and are given out as that text.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.strict import Refused, StrictShop

KEY, SECRET = "ck_0123456789", "cs_9876543210"
BASE_URL = "https://shop.example.com"
_ROOT = "/wp-json/wc/v3"
_NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_KNOWN = {"modified_after", "modified_before", "dates_are_gmt", "per_page", "page", "orderby", "order"}
_SORTED_BY: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "modified": lambda order: (order["date_modified_gmt"], order["id"]),
    "id": lambda order: order["id"],
}


class _Refused(Refused):
    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(JSONResponse({"code": code, "message": message, "data": {"status": status}}, status))


class WoocommerceServer(StrictShop):
    """One site."""

    def __init__(self) -> None:
        super().__init__()
        self.app = Starlette(
            routes=[
                Route(f"{_ROOT}/orders", self._list, methods=["GET"]),
                Route(f"{_ROOT}/orders/{{order_id:int}}", self._one, methods=["GET"]),
            ]
        )

    async def _list(self, request: Request) -> Response:
        """A page of orders, and in headers how many there are. Source: "List all orders", "Pagination"."""
        return self._answered(request, self._page)

    async def _one(self, request: Request) -> Response:
        """One order. Source: "Retrieve an order", "Errors"."""
        return self._answered(request, self._single)

    def _query(self, request: Request) -> Mapping[str, str]:
        _check_key(request)
        return _only_once(request)

    def _single(self, request: Request, query: Mapping[str, str]) -> Response:
        if query:
            raise _Refused(400, "rest_invalid_param", str(sorted(query)))
        text = self._orders.get(request.path_params["order_id"])
        if text is None:
            raise _Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return _json(text)

    def _page(self, request: Request, query: Mapping[str, str]) -> Response:
        _check_query(query)
        bodies = [json.loads(text) for text in self._orders.values()]
        shown = [body["id"] for body in sorted(bodies, key=_SORTED_BY[query["orderby"]]) if _is_shown(body, query)]
        page, size = int(query["page"]), int(query["per_page"])
        texts = [self._orders[number] for number in shown[(page - 1) * size : page * size]]
        return _json(
            b"[" + b",".join(texts) + b"]",
            {"X-WP-Total": str(len(shown)), "X-WP-TotalPages": str(-(-len(shown) // size))},
        )


def _is_shown(order: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    changed_at: str = order["date_modified_gmt"]
    before = query.get("modified_before", "9999")
    return order["status"] != "trash" and query["modified_after"] < changed_at < before


def _check_query(query: Mapping[str, str]) -> None:
    times = [query.get("modified_after", ""), query.get("modified_before", "2026-01-01T00:00:00")]
    numbers = {"per_page": range(1, 101), "page": range(1, 10**6)}
    wrong = [name for name, allowed in numbers.items() if not _is_one_of(query.get(name, ""), allowed)]
    if wrong or set(query) - _KNOWN or not all(map(_NAIVE.fullmatch, times)):
        # A time with an offset is taken by WordPress, turned into the site's zone and then compared with UTC.
        raise _Refused(400, "rest_invalid_param", str(wrong or query))
    if query.get("dates_are_gmt") != "true" or query.get("order") != "asc" or query.get("orderby") not in _SORTED_BY:
        raise _Refused(400, "rest_invalid_param", str(query))


def _is_one_of(value: str, allowed: range) -> bool:
    return value.isdecimal() and int(value) in allowed


def _check_key(request: Request) -> None:
    expected = f"Basic {b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"
    if request.url.scheme != "https" or request.headers.get("authorization") != expected:
        raise _Refused(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")


def _only_once(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise _Refused(400, "rest_invalid_param", "a parameter stands twice")
    return dict(pairs)


def _json(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, 200, dict(headers or {}), "application/json; charset=UTF-8")
