"""Coupons of WooCommerce's shops: one coupon, good once.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Coupons" (wc/v3); class-wc-rest-coupons-v2-controller.php:
what is sent is given to the coupon's setter of that name, and there is none for `date_expires_gmt`, so that it would be
passed over in silence; abstract-wc-data.php, `set_date_prop`: `date_expires` with an offset is taken as that instant.
Codes are kept in lower case and compared without regard to case. The key needs read and write rights.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import Answer, ask
from services.order_ingest.adapters.store_apis.woocommerce import headers
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, CodeTaken
from services.order_ingest.domain.coupon import Coupon

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_BAD_REQUEST: Final = 400
_TAKEN: Final = "woocommerce_rest_coupon_code_already_exists"


class WoocommerceCodes:
    """Makes coupons with a site's key. The coupon's description, which only staff see, is our mark."""

    def __init__(self, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now

    async def own_code(self, access: Access, coupon: Coupon, code: str) -> str | None:
        """The id of the coupon with the code, if its description is our mark."""
        answer = await ask(self._http, "GET", _url(access), headers=headers(access), params={"code": code})
        found = _checked(answer).json()
        if not isinstance(found, list):
            raise ApiAway("the answer is no list of coupons")
        ours = [each for each in found if isinstance(each, dict) and each.get("description") == coupon.mark]
        return _id(ours[0]) if ours else None

    async def make_code(self, access: Access, coupon: Coupon, code: str) -> str:
        """A coupon on the whole cart, or on its shipping, for everybody who has the code, once.

        A coupon of WooCommerce has no beginning: one that begins later is made when it does.
        """
        if (wait := (coupon.starts_at - self._now()).total_seconds()) > 0:
            raise ApiAway("the coupon begins later", wait)
        made = await ask(
            self._http,
            "POST",
            _url(access),
            headers=headers(access),
            document=_coupon(coupon, code),
            read=(_BAD_REQUEST,),
        )
        answer = _checked(made)
        if answer.status == _BAD_REQUEST:
            _refuse(answer)
        return _id(answer.json())


def _url(access: Access) -> str:
    return f"{access.base_url}/wp-json/wc/v3/coupons"


def _checked(answer: Answer | None) -> Answer:
    if answer is None:
        raise ApiRefuses("there is no wc/v3 at this address: plain permalinks switch it off")
    return answer


def _coupon(coupon: Coupon, code: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {
        "code": code,
        "description": coupon.mark,
        "discount_type": "percent" if coupon.kind == "percentage" else "fixed_cart",
        "amount": _amount(coupon),
        "usage_limit": 1,
        "usage_limit_per_user": 1,
    }
    if coupon.kind == "free_shipping":
        found["free_shipping"] = True
    if coupon.minimum:
        found["minimum_amount"] = str(coupon.minimum)
    if coupon.ends_at:
        found["date_expires"] = coupon.ends_at.astimezone(UTC).strftime(_TIME)
    return found


def _amount(coupon: Coupon) -> str:
    if coupon.kind == "free_shipping":
        return "0"
    return format(coupon.percent if coupon.kind == "percentage" else coupon.amount, "f")


def _refuse(answer: Answer) -> None:
    found = answer.json()
    code = str(found.get("code", "")) if isinstance(found, dict) else ""
    if code == _TAKEN:
        raise CodeTaken("the code is taken")
    raise ApiRefuses(f"WooCommerce does not take the coupon: {code[:60] or 'status 400'}")


def _id(coupon: Any) -> str:
    found = coupon.get("id") if isinstance(coupon, dict) else None
    if not isinstance(found, int):
        raise ApiAway("the answer names no coupon")
    return str(found)
