"""Amounts as files write them, read strictly: a doubtful one is refused, no sign or digit is ever guessed."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from libs.kernel.money import MoneyError, exponent, from_minor, to_minor
from services.order_ingest.domain.files.errors import Unconvertible

_LONGEST: Final = 32


def _grammar(decimal_mark: str, thousands: str) -> re.Pattern[str]:
    # A first group never starts with 0: "0,125" is a fraction, whatever the file was declared to be.
    grouped = rf"[1-9][0-9]{{0,2}}(?P<mark>[{thousands}\u0020\u00a0\u202f'\u2019])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    return re.compile(rf"-?(?:[0-9]+|{grouped})(?:{re.escape(decimal_mark)}[0-9]+)?")


_POINT: Final = _grammar(".", ",")
_COMMA: Final = _grammar(",", ".")
_ONE_GROUP: Final = re.compile(r"-?[0-9]{1,3}[.,][0-9]{3}")


@dataclass(frozen=True, slots=True)
class Tender:
    """The currency of one order and the way in which its file writes decimals."""

    currency: str
    decimal_comma: bool = False

    def __post_init__(self) -> None:
        """Raises: Unconvertible when there is no such currency."""
        try:
            exponent(self.currency)
        except MoneyError as error:
            raise Unconvertible("is no ISO 4217 code", "currency") from error

    def figure(self, written: str) -> Decimal:
        """The amount in whole units.

        Only a leading minus, digits, one decimal mark, and thousands parted by one and the same mark are known:
        "(12.00)", "12.00-" and "€ 12" are refused, and so is "1,234" in a currency of three decimals.
        """
        grammar = _COMMA if self.decimal_comma else _POINT
        found = grammar.fullmatch(written) if len(written) <= _LONGEST else None
        if found is None:
            raise Unconvertible(f"is not written as an amount with a decimal {self._mark_name}")
        if exponent(self.currency) >= 3 and found["mark"] in (",", ".") and _ONE_GROUP.fullmatch(written):
            raise Unconvertible(f"may be thousands or thousandths of {self.currency}")
        bare = written.replace(found["mark"], "") if found["mark"] else written
        return Decimal(bare.replace(",", "."))

    def minor(self, amount: Decimal) -> int:
        """`amount` in minor units, never rounded."""
        try:
            return to_minor(amount, self.currency)
        except MoneyError as error:
            raise Unconvertible(str(error)) from error

    def words(self, amount_minor: int) -> str:
        """The amount as a person reads it."""
        return f"{from_minor(amount_minor, self.currency)} {self.currency}"

    @property
    def _mark_name(self) -> str:
        return "comma" if self.decimal_comma else "point"
