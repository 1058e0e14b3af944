"""Where a page of BigCommerce's changed orders begins, so that none is passed over while orders change.

Source: developer.bigcommerce.com, "Orders V2", "Get All Orders": `min_date_modified`, `max_date_modified`, `min_id`,
`sort`. The list can be sorted by the time of change, which has whole seconds, and orders of one second stand in no
order that is promised. So of a full page the last second is left out, and begins the next page. A second that fills
a page is asked for by itself, sorted by id: then the last id says how far it was read.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final

from services.order_ingest.adapters.store_apis.slicing import value
from services.order_ingest.application.store_apis import ApiAway
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.bigcommerce_parts import rfc2822
from services.order_ingest.domain.reading import microseconds, moment

_SECOND_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """All from a second of change on (since the epoch); with an id, those of just that second with a higher one."""

    second: int
    after_id: int | None = None

    def __str__(self) -> str:
        return str(self.second) if self.after_id is None else f"{self.second}/{self.after_id}"

    def filters(self) -> Mapping[str, str]:
        """The query's parameters that say what comes, and in which order."""
        at = format_datetime(moment(self.second * _SECOND_US))
        if self.after_id is None:
            return {"min_date_modified": at, "sort": "date_modified:asc"}
        within = {"min_date_modified": at, "max_date_modified": at, "min_id": str(self.after_id + 1)}
        return {**within, "sort": "id:asc"}


def place_of(cursor: str) -> Place:
    """The place that was written as `cursor`."""
    second, _, after_id = cursor.partition("/")
    return Place(int(second), int(after_id) if after_id else None)


def place_after(place: Place, orders: Sequence[bytes], *, most: int) -> tuple[Sequence[bytes], Place | None]:
    """Those of the orders found at `place` that count, and where to go on; None: these were the last.

    Raises:
        ApiAway: the orders do not say when they changed, or do not come in the order of their changes.
    """
    is_full = len(orders) >= most
    if place.after_id is not None:
        return orders, Place(place.second, _id(orders[-1])) if is_full else Place(place.second + 1)
    if not is_full:
        return orders, None
    seconds = [_second(order) for order in orders]
    if seconds != sorted(seconds):
        raise ApiAway("the orders do not come in the order of their changes")
    last = seconds[-1]
    whole = [order for order, second in zip(orders, seconds, strict=True) if second < last]
    return whole, Place(last) if whole else Place(last, 0)


def _second(order: bytes) -> int:
    try:
        at = rfc2822({"at": json.loads(value(order, "date_modified"))}, "at")
    except (Malformed, ValueError) as error:
        raise ApiAway("an order does not say when it was changed") from error
    if at is None:
        raise ApiAway("an order does not say when it was changed")
    return microseconds(at) // _SECOND_US


def _id(order: bytes) -> int:
    try:
        return int(value(order, "id"))
    except ValueError as error:
        raise ApiAway("an order has no number") from error
