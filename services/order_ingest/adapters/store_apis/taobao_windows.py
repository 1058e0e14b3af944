"""Where a walk through the trades that were modified has come: windows of time, and pages from the last to the first.

Why nothing is lost: a window ends in the past, so that no trade enters it any more. One that is modified meanwhile
leaves it, and those behind it move up, towards page 1. Read from page 1 on, a trade that moved up over the edge of a
page would never be seen; read from the last page back, whatever moves comes to pages that are still to be read. What
left lies in a later window, or after the walk's end, where the next walk begins. Windows share their border, because
nobody says on which side of it a trade of that very second counts.

Source: open.taobao.com, "taobao.trades.sold.increment.get": sorted by the time of modification, the latest first; at
most a day at once, half an hour is advised; three months are kept.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.order_ingest.adapters.store_apis.taobao_gateway import CHINA, clock_words
from services.order_ingest.application.store_apis import ApiRefuses

PAGE_SIZE: Final = 10
"""Each trade is one more question, and one more for each of its refunds."""
_WINDOW_SECONDS: Final = 30 * 60
_KEPT: Final = timedelta(days=89)


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a window, times in seconds since the epoch; no page: nobody has counted the window's trades yet."""

    start: int
    until: int
    page_no: int | None = None

    @classmethod
    def from_cursor(cls, cursor: str) -> "Place":
        """The place that `cursor` names.

        Raises:
            ApiRefuses: it is none of ours.
        """
        parts = cursor.split("-")
        if len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in parts):
            raise ApiRefuses("the cursor is none of this API's")
        start, until, page_no = map(int, parts)
        return cls(start, until, page_no or None)

    @property
    def cursor(self) -> str:
        return f"{self.start}-{self.until}-{self.page_no or 0}"

    @property
    def end(self) -> int:
        return min(self.start + _WINDOW_SECONDS, self.until)

    @property
    def start_words(self) -> str:
        return clock_words(datetime.fromtimestamp(self.start, CHINA))

    @property
    def end_words(self) -> str:
        return clock_words(datetime.fromtimestamp(self.end, CHINA))

    def counted(self, total: int) -> "Place":
        """The window's last page, with so many trades in it."""
        return replace(self, page_no=max(1, -(-total // PAGE_SIZE)))

    def following(self) -> "Place | None":
        """The page before this one, or else the next window; None after the last."""
        if self.page_no is not None and self.page_no > 1:
            return replace(self, page_no=self.page_no - 1)
        return Place(self.end, self.until) if self.end < self.until else None


def first_place(since: datetime, now: datetime) -> Place | None:
    """Where a walk begins that ends with the last second that is over; None if none is since then."""
    start, until = int(max(since, now - _KEPT).timestamp()), int(now.timestamp()) - 1
    return Place(start, until) if start < until else None
