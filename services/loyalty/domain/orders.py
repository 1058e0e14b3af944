"""The small copy of an order that points depend on; it reaches the same state whatever the order of the facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from libs.kernel.money import exponent
from services.loyalty.domain.errors import ImpossibleOrder


@dataclass(frozen=True, slots=True)
class Fx:
    """The rate pinned in an order: one unit of the order's currency is `rate` units of `to`."""

    to: str
    rate: Decimal

    def __post_init__(self) -> None:
        """Raises: ImpossibleOrder."""
        if not (self.rate.is_finite() and self.rate > 0):
            raise ImpossibleOrder(f"a rate of {self.rate}")


_LARGEST = 10**15
"""Minor units of an order in any currency: far beyond any order, and nothing computed from it leaves 64 bits."""


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """An order's whole state as one version of it tells.

    It is judged when it is heard, not when it earns: an order that can never be judged must not lie in wait.
    """

    version: int
    placed_at: datetime
    currency: str
    eligible: int
    window_ends_at: datetime
    fx: Fx | None = None
    gift_lines: frozenset[UUID] = frozenset()

    def __post_init__(self) -> None:
        """Raises: UnknownCurrency, ImpossibleOrder."""
        exponent(self.currency)
        if self.eligible * (self.fx.rate if self.fx else 1) > _LARGEST:
            raise ImpossibleOrder(f"goods for {self.eligible} minor units of {self.currency}")


@dataclass(slots=True)
class Order:
    """An order as known so far. Without `told` it is a shell: something was heard of it, but not yet the order.

    Amounts are minor units of its currency, `counted` (its share in the member's yearly spend) of the programme's.
    """

    merchant_no: int
    order_id: UUID
    account_id: int
    told: OrderTerms | None = None
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    line_refunds: dict[UUID, int] = field(default_factory=dict)
    counted: int = 0
    judged: int = 0  # number of the newest programme version when the order was last judged
    revision: int = 0
    loaded: tuple[object, ...] | None = None  # as it stands in its table; None: not stored yet
    touched: bool = False

    def tell(self, terms: OrderTerms) -> bool:
        """True if this is news: a newer version than known replaces it, an older or equal one does not."""
        if self.told is not None and terms.version <= self.told.version:
            return False
        self.told = terms
        return True

    def pay(self, at: datetime) -> None:
        self.paid_at = _earlier(self.paid_at, at)

    def cancel(self, at: datetime) -> None:
        self.cancelled_at = _earlier(self.cancelled_at, at)

    def delete(self, at: datetime) -> None:
        self.deleted_at = _earlier(self.deleted_at, at)

    def refund(self, cumulative: Mapping[UUID, int]) -> None:
        """Per line the largest cumulative refund heard of stands: repeated and late facts change nothing."""
        for line_id, amount in cumulative.items():
            self.line_refunds[line_id] = max(amount, self.line_refunds.get(line_id, 0))

    @property
    def eligible(self) -> int:
        """What was paid for goods, gift cards apart."""
        return self.told.eligible if self.told else 0

    @property
    def refunded(self) -> int:
        """What went back for goods, never more than was paid for them (refunds may include shipping or tax)."""
        if not self.line_refunds or self.told is None:
            return 0
        gifts = self.told.gift_lines
        return min(self.eligible, sum(amount for line, amount in self.line_refunds.items() if line not in gifts))

    @property
    def net(self) -> int:
        """What the order is worth in goods now: 0 unless it is known, paid and stands."""
        if self.told is None or self.paid_at is None or self.cancelled_at or self.deleted_at:
            return 0
        return self.eligible - self.refunded

    def rate_to(self, currency: str) -> Fraction | None:
        """Minor units of `currency` per minor unit of the order's; None: no rate is pinned."""
        if self.told is None:
            return None
        if self.told.currency == currency:
            return Fraction(1)
        fx = self.told.fx
        if fx is None or fx.to != currency:
            return None
        return Fraction(fx.rate) * Fraction(10) ** (exponent(currency) - exponent(self.told.currency))


def eligible_of(lines: Iterable[tuple[int, bool]]) -> int:
    """Sum of the lines' totals; a line is (total, is a gift card). Never negative."""
    return max(0, sum(total for total, gift_card in lines if not gift_card))


def _earlier(known: datetime | None, heard: datetime) -> datetime:
    return heard if known is None else min(known, heard)
