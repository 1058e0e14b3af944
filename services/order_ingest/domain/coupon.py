"""A coupon as a shop's own checkout has to know it, and what keeps it from being made there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

from libs.kernel.money import from_minor

WITHOUT_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shoplazza": "Shoplazza's API makes a code in two calls, of which the first cannot be found again, and its"
        " documents do not say how a minimum or a code without an end is written",
    }
)
"""Why no codes are made on a platform, where there is more to say than that."""
_WHOLE: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """What a code is good for: one order. `amount_minor` belongs to an amount, `percent` to a percentage."""

    coupon_id: UUID
    kind: Literal["amount", "percentage", "free_shipping"]
    amount_minor: int | None
    percent: Decimal | None
    currency: str
    minimum_minor: int | None
    starts_at: datetime
    ends_at: datetime | None

    @property
    def mark(self) -> str:
        """What a shop keeps beside the code, by which we know it again as ours."""
        return f"Huitou {self.coupon_id}"

    @property
    def amount(self) -> Decimal | None:
        """What is taken off, in whole units."""
        return None if self.amount_minor is None else from_minor(self.amount_minor, self.currency)

    @property
    def minimum(self) -> Decimal | None:
        """The least sum of goods, in whole units."""
        return None if self.minimum_minor is None else from_minor(self.minimum_minor, self.currency)

    @property
    def share(self) -> Decimal | None:
        """The percentage as a share of one."""
        return None if self.percent is None else self.percent / _WHOLE


def objection(coupon: Coupon, *, store_currency: str, now: datetime) -> str | None:
    """Why the coupon cannot be made at a store that sells in `store_currency`; None if it can."""
    if coupon.kind == "amount" and not (coupon.amount_minor and coupon.amount_minor > 0):
        return "the coupon has no amount"
    if coupon.kind == "percentage" and not (coupon.percent and 0 < coupon.percent <= _WHOLE):
        return "the coupon's percentage is not above 0 and up to 100"
    if coupon.minimum_minor is not None and coupon.minimum_minor < 0:
        return "the coupon's minimum is negative"
    if _has_money(coupon) and coupon.currency != store_currency:
        return f"the coupon is in {coupon.currency}, and the store sells in {store_currency}"
    if coupon.ends_at is not None and coupon.ends_at <= max(now, coupon.starts_at):
        return "the coupon has ended"
    return None


def without_codes(platform: str) -> str:
    """Why no code can be made on the platform."""
    return WITHOUT_CODES.get(platform, "codes can be made at Shopify and WooCommerce only")


def _has_money(coupon: Coupon) -> bool:
    return coupon.kind == "amount" or bool(coupon.minimum_minor)
