"""A stand-in for Amazon's login and its Orders API v2026-01-01, stricter than either.

Source: amzn/selling-partner-api-models, `models/orders-api-model/orders_2026-01-01.json`;
developer-docs.amazon.com/sp-api, "Connect to the SP-API", "Usage Plans and Rate Limits", "Access Orders PII".
"""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN = "amzn1.application-oa2-client.1a2b", "amzn1.oa2-cs.v1.3c4d", "Atzr|IwEBI5e6f"
CREDENTIALS: Final = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}

_LIFETIME: Final = timedelta(seconds=3600)
_SETTLED: Final = timedelta(minutes=2)
_CURSOR_LIFETIME: Final = timedelta(hours=24)
_USER_AGENT: Final = re.compile(r"[^/()]+/[^/() ]+ \(Language=[^;()]+(; ?[^;()=]+=[^;()]+)*\)")
_AMZ_DATE: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_MARKETPLACE: Final = re.compile("A[0-9A-Z]{9,13}")
_TIMES: Final = ("createdAfter", "createdBefore", "lastUpdatedAfter", "lastUpdatedBefore")
_SEARCH: Final = frozenset(
    (*_TIMES, "fulfillmentStatuses", "marketplaceIds", "fulfilledBy", "maxResultsPerPage", "paginationToken")
) | {"includedData"}
_ALWAYS: Final = frozenset(
    {"orderId", "orderAliases", "createdTime", "lastUpdatedTime", "programs", "associatedOrders", "salesChannel"}
)
_ITEM_ALWAYS: Final = frozenset(
    {"orderItemId", "quantityOrdered", "measurement", "associatedOrderItems", "programs", "product"}
)
_DATASETS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "BUYER": (frozenset({"buyer"}), frozenset()),
    "RECIPIENT": (frozenset({"recipient"}), frozenset()),
    "PROCEEDS": (frozenset({"proceeds"}), frozenset({"proceeds"})),
    "EXPENSE": (frozenset(), frozenset({"expense"})),
    "PROMOTION": (frozenset(), frozenset({"promotion"})),
    "CANCELLATION": (frozenset(), frozenset({"cancellation"})),
    "FULFILLMENT": (frozenset({"fulfillment"}), frozenset({"fulfillment"})),
    "PACKAGES": (frozenset({"packages"}), frozenset()),
    "TAX": (frozenset({"tax"}), frozenset({"tax"})),
    "PAYMENT": (frozenset({"payment"}), frozenset()),
    "FULFILLMENT_ORDERS": (frozenset({"fulfillmentOrders"}), frozenset()),
}
"""What each dataset adds to an order and to its items."""


class _Refusal(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class _Search:
    """A search under way: what was asked for, its end, and how much of it was given."""

    params: Mapping[str, str]
    until: datetime
    given: int
    issued_at: datetime


@dataclass
class AmazonServer:
    """One seller with one app. `app` is the ASGI application; `now` its clock."""

    now: Callable[[], datetime]
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    logins: list[dict[str, str]] = field(default_factory=list)
    searches: list[dict[str, str]] = field(default_factory=list)
    asked_orders: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _tokens: dict[str, datetime] = field(default_factory=dict)
    _cursors: dict[str, _Search] = field(default_factory=dict)
    _failures: list[Response] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = Starlette(
            routes=[
                Route("/auth/o2/token", self._guarded(self._login), methods=["POST"]),
                Route("/orders/2026-01-01/orders", self._guarded(self._search), methods=["GET"]),
                Route("/orders/2026-01-01/orders/{order_id}", self._guarded(self._order), methods=["GET"]),
                # The gateway knows no other address, and says so as it says everything that it will not pass.
                Route("/{path:path}", self._guarded(self._nowhere)),
            ]
        )

    def put(self, *orders: Mapping[str, Any]) -> None:
        """The orders are there, or are so from now on."""
        for order in orders:
            self.orders[order["orderId"]] = copy.deepcopy(dict(order))

    def revoke_tokens(self) -> None:
        """No access token that was given out is good any more."""
        self._tokens.clear()

    def fail_next(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"{}") -> None:
        """The next question of any kind, the login too, is answered so."""
        self._failures.append(Response(body, status_code=status, headers=dict(headers or {})))

    def _guarded(self, answer: Callable[[Request, bytes], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            if self._failures:
                return self._failures.pop(0)
            try:
                return answer(request, body)
            except _Refusal as refusal:
                self.refused.append(str(refusal))
                errors = [{"code": refusal.code, "message": str(refusal), "details": ""}]
                return JSONResponse({"errors": errors}, status_code=refusal.status)

        return endpoint

    def _login(self, request: Request, body: bytes) -> Response:
        """Source: "Connect to the SP-API", step 1: a form with four fields, and a token for an hour."""
        if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            raise _Refusal(415, "invalid_request", "not a form")
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        self.logins.append(form)
        if len(form) != len(pairs) or set(form) != {"grant_type", *CREDENTIALS} or request.url.query:
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        if form["grant_type"] != "refresh_token":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        if (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if form["refresh_token"] != REFRESH_TOKEN:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        token = f"Atza|IwEBI{len(self.logins)}"
        self._tokens[token] = self.now() + _LIFETIME
        return JSONResponse(
            {"access_token": token, "token_type": "bearer", "expires_in": 3600, "refresh_token": REFRESH_TOKEN}
        )

    def _search(self, request: Request, body: bytes) -> Response:
        """Source: operation searchOrders. Orders come in the order in which they were put here: it promises none."""
        self._admit(request, body)
        params = _params(request, _SEARCH)
        self.searches.append(params)
        search = self._resumed(params) if "paginationToken" in params else self._begun(params)
        size = int(params.get("maxResultsPerPage", "100"))
        found = [order for order in self.orders.values() if _matches(order, search)]
        page = found[search.given : search.given + size]
        answer: dict[str, Any] = {
            "orders": [_shown(order, _included(params)) for order in page],
            "lastUpdatedBefore": _text(search.until),
        }
        if len(found) > search.given + size:
            answer["pagination"] = {"nextToken": self._cursor(search, search.given + size)}
        return JSONResponse(answer, headers={"x-amzn-RateLimit-Limit": "0.0056", "x-amzn-RequestId": "1"})

    def _order(self, request: Request, body: bytes) -> Response:
        """Source: operation getOrder."""
        self._admit(request, body)
        order_id = request.path_params["order_id"]
        self.asked_orders.append(order_id)
        included = _included(_params(request, frozenset({"includedData"})))
        if order_id not in self.orders:
            raise _Refusal(404, "NotFound", "The resource specified does not exist.")
        answer = {"order": _shown(self.orders[order_id], included)}
        return JSONResponse(answer, headers={"x-amzn-RateLimit-Limit": "0.5", "x-amzn-RequestId": "2"})

    def _nowhere(self, request: Request, body: bytes) -> Response:
        raise _Refusal(403, "MissingAuthenticationToken", f"nothing at {request.method} {request.url.path}")

    def _admit(self, request: Request, body: bytes) -> None:
        """Source: "Connect to the SP-API", the headers of every request."""
        token = request.headers.get("x-amz-access-token", "")
        if self._tokens.get(token, datetime.min.replace(tzinfo=UTC)) <= self.now():
            raise _Refusal(403, "Unauthorized", "Access to requested resource is denied.")
        if "authorization" in request.headers:
            raise _Refusal(403, "InvalidSignature", "requests are not signed any more")
        if not _USER_AGENT.fullmatch(request.headers.get("user-agent", "")):
            raise _Refusal(400, "InvalidInput", "no user-agent of the documented form")
        date = request.headers.get("x-amz-date", "")
        if not _AMZ_DATE.fullmatch(date) or abs(self.now() - _amz_date(date)) > timedelta(minutes=5):
            raise _Refusal(400, "InvalidInput", "no x-amz-date of about now")
        if request.headers.get("accept") != "application/json" or body:
            raise _Refusal(415, "UnsupportedMediaType", "JSON is all there is, and a GET has no body")

    def _begun(self, params: Mapping[str, str]) -> _Search:
        now = self.now()
        until = _time(params, "lastUpdatedBefore") or _time(params, "createdBefore") or now - _SETTLED
        after = _time(params, "lastUpdatedAfter") or _time(params, "createdAfter")
        names = {
            name.removesuffix("After").removesuffix("Before") for name in params if name[-5:] in ("After", "efore")
        }
        if after is None or len(names) != 1:
            raise _Refusal(400, "InvalidInput", "exactly one of createdAfter and lastUpdatedAfter, with its own end")
        if until > now - _SETTLED or after > until:
            raise _Refusal(400, "InvalidInput", "the end lies after the beginning and two minutes before now")
        return _Search(params, until, 0, now)

    def _resumed(self, params: Mapping[str, str]) -> _Search:
        search = self._cursors.get(params["paginationToken"])
        if search is None or self.now() - search.issued_at > _CURSOR_LIFETIME:
            raise _Refusal(400, "InvalidInput", "the paginationToken is not valid")
        if _but_the_size(search.params) != _but_the_size(params):
            raise _Refusal(400, "InvalidInput", "all parameters must be those of the first request")
        return search

    def _cursor(self, search: _Search, given: int) -> str:
        # As such tokens look: they must be escaped in an address.
        token = f"2Yg+W55/{len(self._cursors)}=="
        self._cursors[token] = _Search(search.params, search.until, given, self.now())
        return token


def _params(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    pairs = request.query_params.multi_items()
    params = dict(pairs)
    if len(params) != len(pairs):
        raise _Refusal(400, "InvalidInput", "a parameter stands twice: lists are separated by commas")
    if not params.keys() <= allowed or not all(params.values()):
        raise _Refusal(400, "InvalidInput", f"not documented or empty: {sorted(params.keys() - allowed)}")
    _check(params)
    return params


def _check(params: Mapping[str, str]) -> None:
    size = params.get("maxResultsPerPage", "100")
    if not size.isdigit() or not 1 <= int(size) <= 100:
        raise _Refusal(400, "InvalidInput", "maxResultsPerPage is from 1 to 100")
    sites = params.get("marketplaceIds", "").split(",") if "marketplaceIds" in params else []
    if len(sites) > 50 or not all(map(_MARKETPLACE.fullmatch, sites)):
        raise _Refusal(400, "InvalidInput", "at most 50 marketplaces, by their ids")
    if not set(_included(params)) <= _DATASETS.keys():
        raise _Refusal(400, "InvalidInput", "no such dataset")


def _included(params: Mapping[str, str]) -> Sequence[str]:
    return params["includedData"].split(",") if "includedData" in params else ()


def _but_the_size(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in ("maxResultsPerPage", "paginationToken")}


def _matches(order: Mapping[str, Any], search: _Search) -> bool:
    kind = "lastUpdated" if "lastUpdatedAfter" in search.params else "created"
    after, at = _time(search.params, f"{kind}After"), _time(order, f"{kind}Time")
    assert after is not None
    assert at is not None
    site = order["salesChannel"].get("marketplaceId", "")
    return after <= at <= search.until and site in search.params.get("marketplaceIds", site).split(",")


def _shown(order: Mapping[str, Any], included: Sequence[str]) -> dict[str, Any]:
    names = _ALWAYS.union(*(_DATASETS[name][0] for name in included))
    item_names = _ITEM_ALWAYS.union(*(_DATASETS[name][1] for name in included))
    items = [{name: value for name, value in item.items() if name in item_names} for item in order["orderItems"]]
    return {**{name: value for name, value in order.items() if name in names}, "orderItems": items}


def _time(source: Mapping[str, Any], name: str) -> datetime | None:
    if name not in source:
        return None
    if not _TIME.fullmatch(source[name]):
        raise _Refusal(400, "InvalidInput", f"{name} is no ISO 8601 time")
    return datetime.fromisoformat(source[name])


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _amz_date(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
