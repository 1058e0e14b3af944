"""A stand-in of Shopify's GraphQL Admin API, stricter than Shopify: each operation is checked against the schema.

Source: shopify.dev, GraphQL Admin API 2026-04, "discountCodeBasicCreate", "discountCodeFreeShippingCreate",
"codeDiscountNodeByCode", "DiscountErrorCode", "customerEmailMarketingConsentUpdate",
"customerSmsMarketingConsentUpdate", "webhookSubscriptions", "WebhookSubscription"; "Authentication", "Status and error
codes", "Shopify API limits".
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.services.order_ingest.stores.shopify_admin_schema import admin_schema

TOKEN: Final = "shpat_0123456789"
PATH: Final = "/admin/api/2026-04/graphql.json"
_COST: Final = {
    "requestedQueryCost": 30,
    "actualQueryCost": None,
    "throttleStatus": {"maximumAvailable": 100.0, "currentlyAvailable": 10.0, "restoreRate": 5.0},
}


Info: TypeAlias = GraphQLResolveInfo[Any]


class ShopifyAdmin:
    """One shop. `discounts` is what its checkout takes, by code in lower case; `operations` what it was asked for.

    `consents` are the customers' statements that hold, by the customer's number and the channel: state and time.
    """

    def __init__(self) -> None:
        self.app = Starlette(routes=[Route(PATH, self._operate, methods=["POST"])])
        self.scopes = {"read_discounts", "write_discounts", "write_customers"}
        self.consents: dict[tuple[str, str], tuple[str, str]] = {}
        self.discounts: dict[str, dict[str, Any]] = {}
        self.operations: list[str] = []
        self.webhooks: list[dict[str, Any]] = []
        self._failures: deque[Response] = deque()
        self._lost = 0
        self._schema = admin_schema()

    def fail_next(self, status: int, headers: Mapping[str, str] | None = None, body: Any = None) -> None:
        """The next operation is answered like this, and not done."""
        self._failures.append(JSONResponse(body or {}, status, dict(headers or {})))

    def throttle_next(self) -> None:
        """The next operation costs more than is there. Source: "Shopify API limits"."""
        self.fail_next(200, body={"errors": [_error("Throttled", "THROTTLED")], "extensions": {"cost": _COST}})

    def lose_next(self) -> None:
        """The next operation is done, and its answer lost on the way."""
        self._lost += 1

    def hold(self, code: str, *, title: str = "Staff's own", kind: str = "DiscountCodeBasic") -> None:
        """The shop has a discount with this code already."""
        self.discounts[code.lower()] = {
            "__typename": kind,
            "id": f"gid://shopify/DiscountCodeNode/{code}",
            "title": title,
        }

    def subscribe(self, topic: str, uri: str) -> None:
        """The app's subscription is there from now on; one that failed too often is gone."""
        number = f"gid://shopify/WebhookSubscription/{892403750 + len(self.webhooks)}"
        self.webhooks.append({"id": number, "topic": topic, "uri": uri})

    async def _operate(self, request: Request) -> Response:
        """One operation. Source: "GraphQL Admin API reference", "Authentication", "Endpoints and queries"."""
        body = await request.body()
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return JSONResponse({"errors": "[API] Invalid API key or access token"}, 401)
        if request.headers.get("content-type") != "application/json" or request.url.query:
            return JSONResponse({"errors": "bad request"}, 400)
        sent = json.loads(body)
        if set(sent) != {"query", "variables"}:
            return JSONResponse({"errors": "bad request"}, 400)
        if self._failures:
            self.operations.append("failed")
            return self._failures.popleft()
        answer = self._executed(sent["query"], sent["variables"])
        if self._lost:
            self._lost -= 1
            return Response(b"", 504)
        return JSONResponse(answer)

    def _executed(self, operation: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        root = {
            "codeDiscountNodeByCode": self._found,
            "webhookSubscriptions": self._subscriptions,
            "discountCodeBasicCreate": self._basic,
            "discountCodeFreeShippingCreate": self._shipping,
            "customerEmailMarketingConsentUpdate": self._email,
            "customerSmsMarketingConsentUpdate": self._sms,
        }
        result = graphql_sync(self._schema, operation, root, variable_values=dict(variables))
        if result.errors:
            # Source: "Status and error codes": the answer has status 200, and no data where nothing could be run.
            return {
                "errors": [
                    _error(each.message, (each.extensions or {}).get("code", "INVALID")) for each in result.errors
                ]
            }
        return {"data": result.data, "extensions": {"cost": _COST}}

    def _found(self, info: Info, code: str) -> dict[str, Any] | None:
        """Source: "codeDiscountNodeByCode": by the code without regard to case; `read_discounts`."""
        self._enter(info, "read_discounts")
        held = self.discounts.get(code.lower())
        return {"id": held["id"], "codeDiscount": held} if held else None

    def _subscriptions(self, info: Info, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        """Source: "webhookSubscriptions": needs no scope, but `first`, which is 250 at most ("Pagination limits")."""
        self.operations.append(info.field_name)
        if first is None or not 1 <= first <= 250:
            raise GraphQLError("first is needed, and 250 at most", extensions={"code": "INVALID"})
        known = {f"cursor-{each['id']}": place + 1 for place, each in enumerate(self.webhooks)}
        if after is not None and after not in known:
            raise GraphQLError("no such cursor", extensions={"code": "INVALID"})
        start = known[after] if after is not None else 0
        shown = self.webhooks[start : start + first]
        info_of_page = {
            "endCursor": f"cursor-{shown[-1]['id']}" if shown else None,
            "hasNextPage": start + first < len(self.webhooks),
        }
        return {"nodes": shown, "pageInfo": info_of_page}

    def _basic(self, info: Info, basicCodeDiscount: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Source: "discountCodeBasicCreate", "DiscountCodeBasicInput": `write_discounts`."""
        self._enter(info, "write_discounts")
        given = basicCodeDiscount
        complaints = _basic_complaints(given)
        return self._made("basicCodeDiscount", "DiscountCodeBasic", given, complaints)

    def _shipping(self, info: Info, freeShippingCodeDiscount: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Source: "discountCodeFreeShippingCreate", "DiscountCodeFreeShippingInput": `write_discounts`."""
        self._enter(info, "write_discounts")
        given = freeShippingCodeDiscount
        complaints = [] if given.get("destination") else [("destination", "BLANK")]
        return self._made("freeShippingCodeDiscount", "DiscountCodeFreeShipping", given, complaints)

    def _made(
        self, argument: str, kind: str, given: dict[str, Any], complaints: Sequence[tuple[str, str]]
    ) -> dict[str, Any]:
        found = [*complaints, *_complaints(given)]
        if str(given.get("code", "")).lower() in self.discounts:
            found.append(("code", "TAKEN"))
        if found:
            errors = [{"field": [argument, name], "code": code, "message": f"{name} is wrong"} for name, code in found]
            return {"codeDiscountNode": None, "userErrors": errors}
        number = 1000 + len(self.discounts)
        held = {**given, "__typename": kind, "id": f"gid://shopify/DiscountCodeNode/{number}"}
        self.discounts[given["code"].lower()] = held
        return {"codeDiscountNode": {"id": held["id"], "codeDiscount": held}, "userErrors": []}

    def _email(self, info: Info, input: dict[str, Any]) -> dict[str, Any]:
        """Source: "customerEmailMarketingConsentUpdate": `write_customers`."""
        return self._stated(info, "email", input["customerId"], input["emailMarketingConsent"])

    def _sms(self, info: Info, input: dict[str, Any]) -> dict[str, Any]:
        """Source: "customerSmsMarketingConsentUpdate": `write_customers`."""
        return self._stated(info, "sms", input["customerId"], input["smsMarketingConsent"])

    def _stated(self, info: Info, channel: str, customer: str, stated: Mapping[str, Any]) -> dict[str, Any]:
        """The newest statement holds; customers without an address on the channel have none."""
        self._enter(info, "write_customers")
        known = self.consents.get((customer.removeprefix("gid://shopify/Customer/"), channel))
        if known is None or stated["marketingState"] not in ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING"):
            errors = [{"field": ["input"], "code": "INVALID", "message": "no"}]
            return {"customer": None, "userErrors": errors}
        at = stated["consentUpdatedAt"]
        if datetime.fromisoformat(at) >= datetime.fromisoformat(known[1]):
            self.consents[customer.rpartition("/")[2], channel] = (stated["marketingState"], at)
        return {"customer": {"id": customer}, "userErrors": []}

    def _enter(self, info: Info, scope: str) -> None:
        self.operations.append(info.field_name)
        if scope not in self.scopes:
            raise GraphQLError("Access denied", extensions={"code": "ACCESS_DENIED"})


def _complaints(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Source: "DiscountCodeBasicInput": code, context, startsAt and title are needed to create."""
    found = [(name, "BLANK") for name in ("code", "context", "startsAt", "title") if not given.get(name)]
    starts, ends = given.get("startsAt"), given.get("endsAt")
    if starts and ends and datetime.fromisoformat(ends) <= datetime.fromisoformat(starts):
        found.append(("endsAt", "END_DATE_BEFORE_START_DATE"))
    if given.get("usageLimit") is not None and given["usageLimit"] < 1:
        found.append(("usageLimit", "GREATER_THAN"))
    return found


def _basic_complaints(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    gets = given.get("customerGets") or {}
    value, items = gets.get("value") or {}, gets.get("items") or {}
    if not items or len(value) != 1:
        return [("customerGets", "BLANK")]
    checks: Mapping[str, Callable[[Any], bool]] = {
        "percentage": lambda share: 0 < share <= 1,
        "discountAmount": lambda amount: Decimal(0) < amount["amount"],
    }
    [(kind, stated)] = value.items()
    return [] if checks[kind](stated) else [("customerGets", "VALUE_OUTSIDE_RANGE")]


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
