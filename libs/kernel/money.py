"""Money as integers in minor units, and shares that add up."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact
from functools import lru_cache
from typing import Final

from libs.kernel.currencies import EXPONENTS

_ONE: Final = Decimal(1)


class MoneyError(ValueError):
    """An amount cannot be what it claims to be."""


class UnknownCurrency(MoneyError):
    """The code is not an ISO 4217 currency."""


class CurrencyMismatch(MoneyError):
    """Two amounts of different currencies were put together."""


class TooManyDecimals(MoneyError):
    """The amount has more decimals than its currency; the caller did not say how to round."""


def exponent(currency: str) -> int:
    """The number of decimals of the currency: 2 for CNY, 0 for JPY, 3 for KWD.

    Raises: UnknownCurrency.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(f"{currency[:8]!r} is not an ISO 4217 currency") from None


def to_minor(amount: Decimal, currency: str, *, rounding: str | None = None) -> int:
    """The amount in minor units: 19.99 CNY is 1999. `rounding` is one of the names of `decimal`.

    Raises: TooManyDecimals when the amount is finer than the currency and no `rounding` is given; MoneyError when
    it is not a finite number.
    """
    if not amount.is_finite():
        raise MoneyError("the amount is not a finite number")
    context = _context(rounding)
    try:
        return int(amount.scaleb(exponent(currency), context).quantize(_ONE, context=context))
    except Inexact:
        raise TooManyDecimals(f"{amount} has more decimals than {currency}") from None


@lru_cache(maxsize=16)
def _context(rounding: str | None) -> Context:
    """A context of our own: the caller's decimal precision must not cut off large amounts.

    Kept, since making one costs ten times what it is used for here; only its flags, which nobody reads, ever change.
    """
    context = Context(prec=60, rounding=rounding)
    context.traps[Inexact] = rounding is None
    return context


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """The amount in whole units, with the currency's own number of decimals: 1999 CNY is 19.99."""
    digits = tuple(int(digit) for digit in str(abs(amount_minor)))
    return Decimal((int(amount_minor < 0), digits, -exponent(currency)))


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency; sums of different currencies are refused."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount_minor


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Shares of `total` in the proportion of `weights`, by the largest remainder; they add up to `total` exactly.

    Equal remainders go to the earlier share. All weights zero: equal shares. A negative total is shared like the
    positive one, with its sign.

    Raises: MoneyError when there are no weights or one is negative.
    """
    if not weights or min(weights) < 0:
        raise MoneyError("weights must be given and not negative")
    if total < 0:
        return [-share for share in allocate(-total, weights)]
    whole = sum(weights)
    if whole == 0:
        return allocate(total, [1] * len(weights))
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares
