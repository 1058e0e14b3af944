"""A stand-in of BigCommerce's API for customers and subscribers, stricter than the platform.

Source: developer.bigcommerce.com, "Customers V3", "Get All Customers"; "Subscribers", "Get Subscribers", "Delete a
Subscriber"; "About Our APIs". Deleting subscribers by a filter is documented too, and refused here: without the filter
it deletes all.
"""

from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN: Final = "a-token"
BASE_URL: Final = "https://api.bigcommerce.com/stores/k3x9qd"
_ROOT: Final = "/stores/k3x9qd/v3/customers"


class BigcommerceSubscribers:
    """One store: customers' addresses by number, subscribers' addresses by number."""

    def __init__(self, *, filters: bool = True) -> None:
        """Without `filters` lists hold everything, whatever was asked for."""
        self.app = Starlette(
            routes=[
                Route(_ROOT, self._customers, methods=["GET"]),
                Route(f"{_ROOT}/subscribers", self._subscribers, methods=["GET"]),
                Route(f"{_ROOT}/subscribers/{{number:int}}", self._delete, methods=["DELETE"]),
            ]
        )
        self.customers: dict[int, str] = {}
        self.subscribers: dict[int, str] = {}
        self.asked: list[str] = []
        self._filters = filters

    async def _customers(self, request: Request) -> Response:
        """Source: "Customers V3", "Get All Customers", parameter `id:in`."""
        return self._refusal(request, "id:in") or self._rows(self.customers, "id", request.query_params["id:in"])

    async def _subscribers(self, request: Request) -> Response:
        """Source: "Subscribers", "Get Subscribers", parameter `email`."""
        return self._refusal(request, "email") or self._rows(self.subscribers, "email", request.query_params["email"])

    async def _delete(self, request: Request) -> Response:
        """Source: "Subscribers", "Delete a Subscriber"."""
        if refusal := self._refusal(request):
            return refusal
        self.subscribers.pop(request.path_params["number"], None)
        return Response(status_code=204)

    def _rows(self, held: dict[int, str], name: str, wanted: str) -> Response:
        rows: list[dict[str, Any]] = [{"id": number, "email": email} for number, email in held.items()]
        found = [row for row in rows if not self._filters or str(row[name]).lower() == wanted.lower()]
        return JSONResponse({"data": found, "meta": {"pagination": {"total": len(found)}}})

    def _refusal(self, request: Request, *allowed: str) -> Response | None:
        self.asked.append(request.method)
        if request.headers.get("x-auth-token") != TOKEN:
            return JSONResponse({"status": 401, "title": "Unauthorized"}, 401)
        if request.headers.get("accept") != "application/json" or sorted(request.query_params) != sorted(allowed):
            return JSONResponse({"status": 400, "title": "Bad Request"}, 400)
        return None
