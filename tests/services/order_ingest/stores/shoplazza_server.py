"""A stand-in of Shoplazza's (店匠) Admin API for orders, stricter than Shoplazza: what is not documented is refused.

Source: shoplazza.dev, "Order List", "Order Details" (API 2022-01), "Authentication", "HTTP status codes". In which
order a list comes is not documented: here it is what the test says. Orders are given out as the text they were put
in as.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.strict import Refused, StrictShop

TOKEN = "sz_0123456789"
BASE_URL = "https://acme.myshoplaza.com"
_ROOT = "/openapi/2022-01/orders"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_KNOWN = {"updated_at_min", "updated_at_max", "limit", "page"}

Key: TypeAlias = Callable[[Mapping[str, Any]], Any]


def by_id(order: Mapping[str, Any]) -> Any:
    return order["id"]


def by_change(order: Mapping[str, Any]) -> Any:
    return order["updated_at"], order["id"]


class _Refused(Refused):
    def __init__(self, status: int, error: str) -> None:
        super().__init__(JSONResponse({"errors": [error]}, status))


class ShoplazzaServer(StrictShop):
    """One shop."""

    def __init__(self, sorted_by: Key = by_id, *, newest_first: bool = False) -> None:
        super().__init__()
        self._key, self._newest_first = sorted_by, newest_first
        self.app = Starlette(
            routes=[
                Route(_ROOT, self._list, methods=["GET"]),
                Route(f"{_ROOT}/{{order_id}}", self._one, methods=["GET"]),
            ]
        )

    def remove(self, order_id: str) -> None:
        """The order is there no more."""
        del self._orders[order_id]

    async def _list(self, request: Request) -> Response:
        """A page of orders. Source: "Order List"."""
        return self._answered(request, self._page)

    async def _one(self, request: Request) -> Response:
        """One order. Source: "Order Details"."""
        return self._answered(request, self._single)

    def _query(self, request: Request) -> Mapping[str, str]:
        _check_headers(request)
        return _only_once(request)

    def _single(self, request: Request, query: Mapping[str, str]) -> Response:
        if query:
            raise _Refused(400, f"unknown: {sorted(query)}")
        text = self._orders.get(request.path_params["order_id"])
        if text is None:
            raise _Refused(404, "Unable to find resource")
        return _json(b'{"order":' + text + b"}")

    def _page(self, request: Request, query: Mapping[str, str]) -> Response:
        _check_query(query)
        bodies = [body for body in map(json.loads, self._orders.values()) if _is_shown(body, query)]
        shown = [body["id"] for body in sorted(bodies, key=self._key, reverse=self._newest_first)]
        page, size = int(query["page"]), int(query["limit"])
        texts = [self._orders[number] for number in shown[(page - 1) * size : page * size]]
        return _json(b'{"orders":[' + b",".join(texts) + b"]}")


def _is_shown(order: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    at = datetime.fromisoformat(order["updated_at"])
    newest = query.get("updated_at_max")
    not_too_new = newest is None or at <= datetime.fromisoformat(newest)
    return datetime.fromisoformat(query["updated_at_min"]) <= at and not_too_new


def _check_query(query: Mapping[str, str]) -> None:
    times = [query.get("updated_at_min", ""), query.get("updated_at_max", "2026-01-01T00:00:00Z")]
    numbers = {"limit": range(1, 251), "page": range(1, 10**6)}
    wrong = [name for name, allowed in numbers.items() if not _is_one_of(query.get(name, ""), allowed)]
    if wrong or set(query) - _KNOWN or not all(map(_INSTANT.fullmatch, times)):
        raise _Refused(400, f"invalid: {query}")


def _is_one_of(value: str, allowed: range) -> bool:
    return value.isdecimal() and int(value) in allowed


def _check_headers(request: Request) -> None:
    if request.headers.get("access-token") != TOKEN:
        raise _Refused(401, "Unauthorized")
    if request.headers.get("accept") != "application/json":
        raise _Refused(400, "Accept")


def _only_once(request: Request) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise _Refused(400, "a parameter stands twice")
    return dict(pairs)


def _json(body: bytes) -> Response:
    return Response(body, 200, media_type="application/json")
