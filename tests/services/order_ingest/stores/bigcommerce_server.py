"""A stand-in for BigCommerce's order API, stricter than the platform.

Source: developer.bigcommerce.com, "Orders V2", "Orders V3", "About Our APIs", "API Status Codes", "API Rate limits".
What those pages do not name is refused: other parameters, other forms of a date, another way to say who one is.
"""

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_MOST: Final = 250
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_RFC_2822: Final = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}")
_ISO_8601: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_SORTED_BY: Final = ("id", "customer_id", "date_created", "date_modified", "status_id", "channel_id", "external_id")
_INCLUDED: Final = ("consignments", "consignments.line_items", "fees")
_RATE: Final = {
    "X-Rate-Limit-Time-Window-Ms": "30000",
    "X-Rate-Limit-Time-Reset-Ms": "15000",
    "X-Rate-Limit-Requests-Quota": "150",
    "X-Rate-Limit-Requests-Left": "35",
}


class _Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Kept:
    order: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]


@dataclass
class BigcommerceServer:
    """One store. `asked` has every question's path and query below the store, refused ones too."""

    store_hash: str = "k3x9qd"
    token: str = "a-token"
    asked: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda path: None
    """Called with each question, before it is answered: for a shop that goes on working meanwhile."""
    _kept: dict[int, _Kept] = field(default_factory=dict)
    _failures: list[tuple[int, Mapping[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        order = "/stores/{store_hash}/v2/orders/{order_id}"
        self.app = Starlette(
            routes=[
                Route("/stores/{store_hash}/v2/orders", self._orders, methods=["GET"]),
                Route(order, self._order, methods=["GET"]),
                Route(f"{order}/{{part}}", self._part, methods=["GET"]),
                Route(
                    "/stores/{store_hash}/v3/orders/{order_id}/payment_actions/refunds", self._refunds, methods=["GET"]
                ),
                Route("/{anything:path}", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            ],
            exception_handlers={_Refused: self._refuse},  # type: ignore[dict-item]  # it takes any exception's handler
        )

    def put(self, order: dict[str, Any], **parts: Iterable[dict[str, Any]]) -> None:
        """The order is as given, with its `products`, `refunds`, `shipments` and `coupons`."""
        self._kept[order["id"]] = _Kept(copy.deepcopy(order), {name: list(each) for name, each in parts.items()})

    def change(self, order_id: int, **changes: Any) -> None:
        """Some fields of the order are different now."""
        self._kept[order_id].order.update(changes)

    def forget(self, order_id: int) -> None:
        """There is no such order any more."""
        del self._kept[order_id]

    def fail_next(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}", *, after: int = 0
    ) -> None:
        """A question is answered like this, whatever it asks: the next, or the one behind `after` good answers."""
        self._failures += [(0, {}, b"")] * after + [(status, headers or {}, body)]

    @property
    def paths(self) -> list[str]:
        """What was asked, without queries."""
        return [asked.partition("?")[0] for asked in self.asked]

    async def _orders(self, request: Request) -> Response:
        """Source: "Orders V2", "Get All Orders"; an empty list is 204 without a body.

        Dates are compared to the second, and include it. Orders of one second come in an order of the server's own:
        here the youngest first, which no client may count on.
        """
        query = self._admitted(request, ("min_id", "max_id", "min_date_modified", "max_date_modified", "page", "limit",
                                         "sort", "include"))  # fmt: skip
        if query is None:
            return self._failure()
        least, most = _number(query, "min_id", 0), _number(query, "max_id", 10**18)
        since, until = _date(query, "min_date_modified"), _date(query, "max_date_modified")
        found = [
            kept.order
            for kept in self._kept.values()
            if least <= kept.order["id"] <= most
            and (since is None or _modified(kept.order) >= since)
            and (until is None or _modified(kept.order) <= until)
        ]
        with_fees = _includes_fees(query)
        return _page([_shown(order, with_fees=with_fees) for order in _sorted(found, query)], query)

    async def _order(self, request: Request) -> Response:
        """Source: "Orders V2", "Get an Order"."""
        query = self._admitted(request, ("include",))
        if query is None:
            return self._failure()
        return _answer(_shown(self._found(request).order, with_fees=_includes_fees(query)))

    async def _part(self, request: Request) -> Response:
        """Source: "Orders V2", "List Order Products", "Get Order Shipments", "List Order Coupons"."""
        query = self._admitted(request, ("page", "limit"))
        if query is None:
            return self._failure()
        if request.path_params["part"] not in ("products", "shipments", "coupons"):
            raise _Refused(400, "nothing of that name belongs to an order")
        return _page(self._found(request).parts.get(request.path_params["part"], []), query)

    async def _refunds(self, request: Request) -> Response:
        """Source: "Orders V3", "Get Refunds for Order": not in pages, by number, an empty list like any other."""
        if self._admitted(request, ()) is None:
            return self._failure()
        refunds = self._found(request).parts.get("refunds", [])
        return _answer({"data": sorted(refunds, key=lambda refund: int(refund["id"])), "meta": {}})

    async def _nothing(self, request: Request) -> Response:
        """Paths and methods that no page names."""
        self._admitted(request, ())
        raise _Refused(400, "no such path or method")

    def _admitted(self, request: Request, allowed: Sequence[str]) -> dict[str, str] | None:
        """The query, once all is as documented; None if the next answer is to be a failure.

        Source: "About Our APIs", "Standard request headers", "BigCommerce-specific request headers"; "API Status
        Codes" (401, 403, 406).
        """
        below = request.url.path.removeprefix(f"/stores/{self.store_hash}")
        self.asked.append(f"{below}?{request.url.query}" if request.url.query else below)
        self.before_answer(below)
        if self._failures:
            if self._failures[0][0]:
                return None
            del self._failures[0]
        if request.headers.getlist("x-auth-token") != [self.token]:
            raise _Refused(401, "credentials are missing or invalid")
        if request.path_params.get("store_hash", self.store_hash) != self.store_hash:
            raise _Refused(403, "no right to this store")
        if request.headers.getlist("accept") != ["application/json"]:
            raise _Refused(406, "only JSON")
        if "authorization" in request.headers or "cookie" in request.headers:
            raise _Refused(400, "no page says to send that")
        if request.headers.get("content-length", "0") != "0" or "content-type" in request.headers:
            raise _Refused(400, "a question has no body")
        return _query(request, allowed)

    def _failure(self) -> Response:
        status, headers, body = self._failures.pop(0)
        return Response(body, status, {"Content-Type": "application/json", **headers})

    def _found(self, request: Request) -> _Kept:
        order_id = request.path_params["order_id"]
        if not _NUMBER.fullmatch(order_id):
            raise _Refused(400, "an order's id is a number")
        if int(order_id) not in self._kept:
            raise _Refused(404, "The requested resource was not found.")
        return self._kept[int(order_id)]

    async def _refuse(self, request: Request, error: _Refused) -> Response:
        return _answer([{"status": error.status, "message": str(error)}], error.status)


def _query(request: Request, allowed: Sequence[str]) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    query = dict(pairs)
    if len(query) != len(pairs) or not query.keys() <= set(allowed):
        raise _Refused(400, f"a parameter stands twice or is not documented: {sorted(query)}")
    if any(not value for value in query.values()):
        raise _Refused(400, "a parameter is empty")
    return query


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value):
        raise _Refused(400, f"{name} must be a number")
    return int(value)


def _date(query: Mapping[str, str], name: str) -> datetime | None:
    value = query.get(name)
    if value is None:
        return None
    if _RFC_2822.fullmatch(value):
        return parsedate_to_datetime(value).astimezone(UTC)
    if _ISO_8601.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0)
    raise _Refused(400, f"{name} must be a date in RFC-2822 or ISO-8601")


def _modified(order: Mapping[str, Any]) -> datetime:
    return parsedate_to_datetime(order["date_modified"])


def _sorted(orders: Sequence[dict[str, Any]], query: Mapping[str, str]) -> list[dict[str, Any]]:
    name, _, direction = query.get("sort", "id:asc").partition(":")
    if name not in _SORTED_BY or direction not in ("", "asc", "desc"):
        raise _Refused(400, "no such order of orders")
    by_name: Callable[[dict[str, Any]], Any] = (
        _modified if name == "date_modified" else lambda order: order[name]  # dates are texts
    )
    youngest_first = sorted(orders, key=lambda order: -int(order["id"]))
    return sorted(youngest_first, key=by_name, reverse=direction == "desc")


def _includes_fees(query: Mapping[str, str]) -> bool:
    asked = query["include"].split(",") if "include" in query else []
    if not set(asked) <= set(_INCLUDED):
        raise _Refused(400, "nothing of that name can be included")
    return "fees" in asked


def _shown(order: dict[str, Any], *, with_fees: bool) -> dict[str, Any]:
    """The order, in which fees that were not asked for are a link."""
    if with_fees:
        return order
    path = f"/orders/{order['id']}/fees"
    return {**order, "fees": {"url": f"https://api.bigcommerce.com/stores/k3x9qd/v2{path}", "resource": path}}


def _page(found: Sequence[dict[str, Any]], query: Mapping[str, str]) -> Response:
    page, limit = _number(query, "page", 1), _number(query, "limit", 50)
    if page < 1 or limit < 1:
        raise _Refused(400, "pages begin with 1, and have something on them")
    if limit > _MOST:
        raise _Refused(413, f"no more than {_MOST}")
    rows = found[(page - 1) * limit : page * limit]
    return _answer(list(rows)) if rows else Response(status_code=204, headers=_RATE)


def _answer(body: Any, status: int = 200) -> Response:
    return JSONResponse(body, status, headers=_RATE)
