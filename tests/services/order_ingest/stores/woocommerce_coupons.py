"""A stand-in of WooCommerce's REST API (wc/v3) for coupons, stricter than WooCommerce: unknown fields are refused.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Coupon properties", "Create a coupon", "List all coupons",
"Authentication over HTTPS", "Errors"; class-wc-rest-coupons-v2-controller.php for how a field is set and for the code
that is there already; abstract-wc-data.php, `set_date_prop`, for how a date is read.
"""

import json
import re
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.woocommerce_server import KEY, SECRET

PATH: Final = "/wp-json/wc/v3/coupons"
_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_KINDS: Final[Mapping[str, type]] = {
    "code": str,
    "amount": str,
    "discount_type": str,
    "description": str,
    "date_expires": str,
    "individual_use": bool,
    "usage_limit": int,
    "usage_limit_per_user": int,
    "free_shipping": bool,
    "minimum_amount": str,
}
"""Of `date_expires_gmt`, which the documentation has too, WooCommerce sets nothing: here it is refused."""


class WoocommerceCoupons:
    """One site. `coupons` is what its checkout takes, by code in lower case; `asked` what it was asked for."""

    def __init__(self) -> None:
        self.app = Starlette(
            routes=[Route(PATH, self._list, methods=["GET"]), Route(PATH, self._create, methods=["POST"])]
        )
        self.coupons: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self._failures: deque[Response] = deque()
        self._lost = 0

    def fail_next(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """The next question is answered like this, and nothing is done."""
        self._failures.append(Response(b"", status, dict(headers or {})))

    def lose_next(self) -> None:
        """The next question is answered, and its answer lost on the way."""
        self._lost += 1

    def hold(self, code: str) -> None:
        """The site has a coupon with this code already."""
        self.coupons[code.lower()] = {"id": 1, "code": code.lower(), "description": "Staff's own"}

    async def _list(self, request: Request) -> Response:
        """Coupons with the code. Source: "List all coupons", parameter `code`."""
        return self._answered(request, lambda: self._found(dict(request.query_params)))

    async def _create(self, request: Request) -> Response:
        """One coupon is made. Source: "Create a coupon", "Coupon properties"."""
        body = await request.body()
        return self._answered(request, lambda: self._made(request, body))

    def _answered(self, request: Request, answer: Any) -> Response:  # a function without arguments
        self.asked.append(request.method)
        expected = f"Basic {b64encode(f'{KEY}:{SECRET}'.encode()).decode()}"
        if request.url.scheme != "https" or request.headers.get("authorization") != expected:
            return _error(401, "woocommerce_rest_cannot_view")
        if self._failures:
            return self._failures.popleft()
        found: Response = answer()
        if self._lost:
            self._lost -= 1
            return Response(b"", 504)
        return found

    def _found(self, query: Mapping[str, str]) -> Response:
        if set(query) != {"code"}:
            return _error(400, "rest_invalid_param")
        held = self.coupons.get(query["code"].lower())
        return JSONResponse([held] if held else [])

    def _made(self, request: Request, body: bytes) -> Response:
        sent = json.loads(body)
        if request.headers.get("content-type") != "application/json" or request.url.query or _wrong(sent):
            return _error(400, "rest_invalid_param")
        code = sent["code"].lower()
        if code in self.coupons:
            return _error(400, "woocommerce_rest_coupon_code_already_exists")
        self.coupons[code] = {**sent, "id": 700 + len(self.coupons), "code": code}
        return JSONResponse(self.coupons[code], 201)


def _wrong(sent: Mapping[str, Any]) -> list[str]:
    wrong = [name for name, value in sent.items() if name not in _KINDS or type(value) is not _KINDS[name]]
    if not sent.get("code") or sent.get("discount_type") not in ("percent", "fixed_cart", "fixed_product"):
        wrong.append("code or discount_type")
    wrong += [name for name in ("amount", "minimum_amount") if not _NUMBER.fullmatch(sent.get(name, "0"))]
    # Without an offset it would be the site's local time.
    return wrong if _INSTANT.fullmatch(sent.get("date_expires", "2026-01-01T00:00:00Z")) else [*wrong, "date_expires"]


def _error(status: int, code: str) -> Response:
    return JSONResponse({"code": code, "message": "No.", "data": {"status": status}}, status)
