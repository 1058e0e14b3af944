"""What one order adds to its customer's counters, and what all its customer's orders add up to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN

from libs.kernel.money import from_minor, to_minor
from services.segmentation.domain.order import Order, Refund, Sale


@dataclass(frozen=True, slots=True)
class Counters:
    """Sums over a customer's counted orders. Money is minor units of the merchant's currency.

    `spend_minor` is what was paid for goods less what was refunded for goods; `refunded_minor` is everything that
    was given back, tax and shipping too. The money of orders in another currency without a pinned rate is in
    neither: `foreign_orders` counts these.
    """

    orders: int = 0
    items: int = 0
    spend_minor: int = 0
    foreign_orders: int = 0
    discounted_orders: int = 0
    refunds: int = 0
    refunded_minor: int = 0

    # Written out: these two run several times for every event, and a loop over the fields costs five times as much.
    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.orders + other.orders,
            self.items + other.items,
            self.spend_minor + other.spend_minor,
            self.foreign_orders + other.foreign_orders,
            self.discounted_orders + other.discounted_orders,
            self.refunds + other.refunds,
            self.refunded_minor + other.refunded_minor,
        )

    def __sub__(self, other: "Counters") -> "Counters":
        return Counters(
            self.orders - other.orders,
            self.items - other.items,
            self.spend_minor - other.spend_minor,
            self.foreign_orders - other.foreign_orders,
            self.discounted_orders - other.discounted_orders,
            self.refunds - other.refunds,
            self.refunded_minor - other.refunded_minor,
        )

    @property
    def average_order_minor(self) -> int | None:
        """Spend per order whose money is known, rounded half to even; None without such an order."""
        valued = self.orders - self.foreign_orders
        return None if valued == 0 else _divide_half_even(self.spend_minor, valued)


NOTHING = Counters()


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an order adds now: its sums, and where it stands in its customer's time."""

    counters: Counters
    month: int
    placed_at: datetime
    qualifies: bool


def contribution(order: Order, currency: str | None) -> Contribution | None:
    """What the order adds to a merchant that reckons in `currency`; None when it does not count.

    A cancelled or deleted order adds nothing, its refunds included: nothing was sold, so nothing was given back.
    """
    sale = order.sale
    if sale is None or not order.counts:
        return None
    refunds = order.refunds.values()
    paid = converted(sale.goods_minor, sale, currency)
    counters = Counters(
        orders=1,
        items=sale.items,
        spend_minor=0 if paid is None else paid - sum(goods_back(each, sale, currency) or 0 for each in refunds),
        foreign_orders=int(paid is None),
        discounted_orders=int(sale.discounted),
        refunds=len(order.refunds),
        refunded_minor=sum(money_back(each, sale, currency) or 0 for each in refunds),
    )
    return Contribution(counters, sale.month, sale.placed_at, order.qualifies)


def converted(amount_minor: int, sale: Sale, currency: str | None) -> int | None:
    """An amount of the sale in the merchant's currency, at the rate pinned in the order, rounded half to even.

    None when the currencies differ and no rate to the merchant's was pinned: money is never guessed.
    """
    if currency is None:
        return None
    if sale.currency == currency:
        return amount_minor
    if sale.fx_rate is None or sale.fx_to != currency:
        return None
    exact = from_minor(amount_minor, sale.currency) * sale.fx_rate
    return to_minor(exact, currency, rounding=ROUND_HALF_EVEN)


def goods_back(refund: Refund, sale: Sale, currency: str | None) -> int | None:
    """What the refund takes off the spend: its lines without gift cards. None when it cannot be converted."""
    if refund.currency != sale.currency:
        return None
    goods = sum(amount for line_id, amount in refund.goods if line_id not in sale.gift_card_lines)
    return converted(goods, sale, currency)


def money_back(refund: Refund, sale: Sale, currency: str | None) -> int | None:
    """All that the refund gave back. None when it cannot be converted."""
    if refund.currency != sale.currency:
        return None
    return converted(refund.amount_minor, sale, currency)


def _divide_half_even(amount: int, by: int) -> int:
    whole, rest = divmod(amount, by)
    doubled = 2 * rest
    return whole + int(doubled > by or (doubled == by and whole % 2 == 1))
