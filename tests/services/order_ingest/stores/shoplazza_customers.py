"""A stand-in of Shoplazza's (店匠) Admin API for customers, stricter than Shoplazza: what is not documented is refused.

Source: shoplazza.dev, "Customer Properties", "Update Customer" (API 2022-01), "Authentication".
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.shoplazza_server import TOKEN

_PATH: Final = "/openapi/2022-01/customers/{customer_id}"
_FIELDS: Final[Mapping[str, type]] = {
    "first_name": str,
    "last_name": str,
    "accepts_marketing": bool,
    "accepts_sms_marketing": bool,
    "tags": str,
}


class ShoplazzaCustomers:
    """One shop's customers by id; `asked` are the methods of all questions."""

    def __init__(self) -> None:
        self.app = Starlette(
            routes=[Route(_PATH, self._show, methods=["GET"]), Route(_PATH, self._update, methods=["PUT"])]
        )
        self.customers: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.failing: int | None = None

    def put(self, customer_id: str, *, email: bool, sms: bool) -> None:
        """A customer who accepts that much."""
        self.customers[customer_id] = {"id": customer_id, "accepts_marketing": email, "accepts_sms_marketing": sms}

    async def _show(self, request: Request) -> Response:
        """One customer. Source: "Customer Properties"."""
        return self._refusal(request) or JSONResponse({"customer": self.customers[request.path_params["customer_id"]]})

    async def _update(self, request: Request) -> Response:
        """A customer is changed. Source: "Update Customer": what a channel is not told "defaults to true"."""
        body = await request.body()
        if refusal := self._refusal(request):
            return refusal
        sent = json.loads(body)
        stated = sent.get("customer")
        if set(sent) != {"customer"} or not isinstance(stated, dict) or _wrong(stated):
            return JSONResponse({"errors": ["invalid"]}, 422)
        customer = self.customers[request.path_params["customer_id"]]
        customer.update({"accepts_marketing": True, "accepts_sms_marketing": True, **stated})
        return JSONResponse({"customer": customer})

    def _refusal(self, request: Request) -> Response | None:
        self.asked.append(request.method)
        if self.failing is not None:
            return JSONResponse({"errors": ["no"]}, self.failing)
        if request.headers.get("access-token") != TOKEN:
            return JSONResponse({"errors": ["Unauthorized"]}, 401)
        if request.headers.get("accept") != "application/json" or request.url.query:
            return JSONResponse({"errors": ["Bad Request"]}, 400)
        if request.path_params["customer_id"] not in self.customers:
            return JSONResponse({"errors": ["Unable to find resource"]}, 404)
        return None


def _wrong(stated: Mapping[str, Any]) -> bool:
    return any(name not in _FIELDS or type(value) is not _FIELDS[name] for name, value in stated.items())
