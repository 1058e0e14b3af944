"""Feeds a merchant's exchange rates: added, never changed, so that what orders have pinned stays to be found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.order_ingest.domain.fx import FedRate


class FxRates(Protocol):
    """The merchant's rates, inside the merchant's transaction."""

    async def time_zone(self) -> str:
        """By whose clock a day begins."""

    async def add(self, rates: Sequence[FedRate], now: datetime) -> int:
        """The rates hold from now on; how many of them are news. No two are of one pair and one instant."""


class FedTwice(Exception):
    """Two of the rates are of one pair of currencies and one instant; `place` is that of the second."""

    def __init__(self, place: int) -> None:
        super().__init__(f"rate {place} is of the same currencies and instant as one before it")
        self.place = place


async def feed_rates(known: FxRates, rates: Sequence[FedRate], now: datetime) -> int:
    """The rates hold from now on for orders that come; how many of them were news.

    Raises:
        FedTwice: which of two would hold?
    """
    seen = set()
    for place, rate in enumerate(rates):
        key = (rate.from_currency, rate.to_currency, rate.valid_from)
        if key in seen:
            raise FedTwice(place)
        seen.add(key)
    return await known.add(rates, now)
