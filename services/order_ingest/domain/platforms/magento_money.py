"""The sums of a Magento order, all in the order's own currency: `base_*` fields are the shop's books.

Source: developer.adobe.com/commerce/webapi, "Order processing tutorial", step 7; `Magento\\Sales\\Model\\Order`
(`registerCancellation` for what is cancelled while the rest goes on).
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, currency_of, decimal, minor, total
from services.order_ingest.domain.platforms.magento_parts import inner
from services.order_ingest.domain.platforms.magento_rows import Sold
from services.order_ingest.domain.reading import Object, text

CANCELED: Final = "canceled"
_CURRENCY: Final = "order_currency_code"
_UNDER_WAY: Final = frozenset({"processing", "complete", "closed"})


class Payment(NamedTuple):
    """What is owed for an order, what was paid of it, and what went back, in minor units."""

    owed: int
    paid: int
    refunded: int


def order_currency(body: Object) -> str:
    """The code that the order's amounts are in."""
    try:
        return currency_of({"currency": body.get(_CURRENCY)})
    except Malformed as complaint:
        raise Malformed(complaint.detail, f"/{_CURRENCY}") from None


def is_part_cancelled(body: Object) -> bool:
    """Whether something of the order was cancelled while the rest goes on: the state is not `canceled` then."""
    return text(body, "state") != CANCELED and decimal(body, "total_canceled") > 0


def payment(body: Object, currency: str) -> Payment:
    """The order's sums; `total_paid` stays as it is when money goes back."""
    cancelled = decimal(body, "total_canceled") if is_part_cancelled(body) else Decimal(0)
    return Payment(
        owed=minor(decimal(body, "grand_total") - cancelled, currency, "grand_total"),
        paid=amount(body, "total_paid", currency),
        refunded=amount(body, "total_refunded", currency),
    )


def is_settled(body: Object, sums: Payment) -> bool:
    """Whether all that is owed was paid; an order that costs nothing is, once the shop works on it."""
    if sums.paid > 0:
        return sums.paid >= sums.owed
    return sums.owed <= 0 and text(body, "state") in _UNDER_WAY


def financial_status(body: Object, sums: Payment) -> str:
    """The state of the order's money in our own words. `status` is not read: shops make their own."""
    if sums.paid > 0 and sums.refunded > 0:
        return "refunded" if sums.refunded >= sums.paid else "partially_refunded"
    if is_settled(body, sums):
        return "paid"
    if sums.paid > 0:
        return "partially_paid"
    if text(body, "state") == CANCELED:
        return "voided"
    return "authorized" if decimal(inner(body, "payment"), "amount_authorized") > 0 else "pending"


def shipping_minor(body: Object, currency: str) -> int:
    """Shipping without its tax, after its discount; a part of it that was never invoiced may be cancelled."""
    stated = decimal(body, "shipping_amount")
    off = decimal(body, "shipping_discount_amount") - decimal(body, "shipping_discount_tax_compensation_amount")
    return minor((stated - off) * _shipping_share(body, stated), currency, "shipping_amount")


def tax_minor(body: Object, sold: Sequence[Sold], currency: str) -> int:
    """All taxes of the order, those of shipping and the fixed ones of products among them."""
    fixed = total(each_sold.worth.fixed_tax for each_sold in sold)
    cancelled = decimal(body, "tax_canceled") if is_part_cancelled(body) else Decimal(0)
    return minor(decimal(body, "tax_amount") - cancelled + fixed, currency, "tax_amount")


def discount_minor(body: Object, currency: str) -> int:
    """What was taken off the order, goods and shipping, as the shop states it: a number below zero there."""
    cancelled = decimal(body, "discount_canceled") if is_part_cancelled(body) else Decimal(0)
    return max(0, minor(abs(decimal(body, "discount_amount")) - abs(cancelled), currency, "discount_amount"))


def _shipping_share(body: Object, stated: Decimal) -> Decimal:
    cancelled = decimal(body, "shipping_canceled") if is_part_cancelled(body) else Decimal(0)
    if not 0 < cancelled <= stated:
        return Decimal(1)
    return (stated - cancelled) / stated
