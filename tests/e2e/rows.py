"""A platform's row in the proof that it works: what is sent, and what must come of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from starlette.types import ASGIApp

from tests.attack.hooks import SENDERS, Sender

Body = Mapping[str, Any]

LOST_AGO: Final = timedelta(minutes=5)
"""How long ago the order changed of which no hook tells: within what a store is asked for at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An order as its bodies' own figures make it, in minor units; `goods` and `goods_back` are without tax."""

    external_id: str
    total: int
    goods: int
    refunded: int = 0
    goods_back: int = 0
    paid: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A store, what is delivered to it in that order, what it is asked with, what is uploaded, and what comes of it.

    Orders of one sequence in `orders` are one customer's.
    """

    platform: str
    store: Body
    orders: Sequence[Sequence[Expected]]
    hooks: Sequence[tuple[str, Body]] = ()
    secrets: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    shop: ASGIApp | None = None
    files: Sequence[tuple[str, bytes]] = ()

    @property
    def sender(self) -> Sender | None:
        """Who signs its hooks; None: it has none."""
        return next((each for each in SENDERS if each.platform == self.platform), None)


def minor(amount: object) -> int:
    """Minor units of an amount with at most two decimals."""
    exact = Decimal(str(amount)) * 100
    assert exact == int(exact)
    return int(exact)


def summed(rows: Iterable[Body], name: str) -> int:
    """Minor units of what the rows have under the name."""
    return sum(minor(row[name]) for row in rows)


def rfc3339(at: datetime) -> str:
    """The instant as JSON has it, to the second."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
