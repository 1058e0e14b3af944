"""Discount codes of Shopify's shops: one discount with one code for one coupon.

Source: shopify.dev, GraphQL Admin API 2026-04, "discountCodeBasicCreate", "DiscountCodeBasicInput",
"discountCodeFreeShippingCreate", "DiscountCodeFreeShippingInput", "codeDiscountNodeByCode", "DiscountErrorCode". The
token needs the scopes `read_discounts` and `write_discounts`. Codes are compared without regard to case, and are
unique within a shop.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from libs.contracts.fact import rfc3339
from services.order_ingest.adapters.store_apis.shopify_graphql import complaints, execute
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, CodeTaken
from services.order_ingest.domain.coupon import Coupon

_FIND: Final = """query CodeOfCoupon($code: String!) {
  codeDiscountNodeByCode(code: $code) {
    id
    codeDiscount { ... on DiscountCodeBasic { title } ... on DiscountCodeFreeShipping { title } }
  }
}"""
_MAKE_BASIC: Final = """mutation MakeCode($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) { codeDiscountNode { id } userErrors { code field } }
}"""
_MAKE_SHIPPING: Final = """mutation MakeShippingCode($discount: DiscountCodeFreeShippingInput!) {
  discountCodeFreeShippingCreate(freeShippingCodeDiscount: $discount) {
    codeDiscountNode { id } userErrors { code field }
  }
}"""
_TAKEN: Final = ("TAKEN", "DUPLICATE")


class ShopifyCodes:
    """Makes codes with a shop's access token. The discount's title is our mark; customers see the code in its place."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def own_code(self, access: Access, coupon: Coupon, code: str) -> str | None:
        """The id of the discount that has the code, if its title is our mark."""
        found = await execute(self._http, access, _FIND, {"code": code})
        discount = found.get("codeDiscount")
        is_ours = isinstance(discount, dict) and discount.get("title") == coupon.mark
        return _id(found) if is_ours else None

    async def make_code(self, access: Access, coupon: Coupon, code: str) -> str:
        """A discount on the whole order, or on its shipping, for everybody who has the code, once."""
        operation = _MAKE_SHIPPING if coupon.kind == "free_shipping" else _MAKE_BASIC
        made = await execute(self._http, access, operation, {"discount": _discount(coupon, code)})
        if refusals := complaints(made):
            if any(refusal.startswith(_TAKEN) for refusal in refusals):
                raise CodeTaken("the code is taken")
            raise ApiRefuses(f"Shopify does not take the discount: {', '.join(refusals[:3])}")
        return _id(made.get("codeDiscountNode"))


def _discount(coupon: Coupon, code: str) -> Mapping[str, Any]:
    shared: dict[str, Any] = {
        "title": coupon.mark,
        "code": code,
        "startsAt": rfc3339(coupon.starts_at),
        "endsAt": rfc3339(coupon.ends_at) if coupon.ends_at else None,
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
    }
    if coupon.minimum:
        shared["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": str(coupon.minimum)}}
    if coupon.kind == "free_shipping":
        return {**shared, "destination": {"all": True}}
    return {**shared, "customerGets": {"value": _value(coupon), "items": {"all": True}}}


def _value(coupon: Coupon) -> Mapping[str, Any]:
    if coupon.share is not None:
        return {"percentage": float(coupon.share)}  # a Float of GraphQL: JSON has no other number with a point
    return {"discountAmount": {"amount": str(coupon.amount), "appliesOnEachItem": False}}


def _id(node: Any) -> str:
    found = node.get("id") if isinstance(node, dict) else None
    if not isinstance(found, str):
        raise ApiAway("the answer names no discount")
    return found
