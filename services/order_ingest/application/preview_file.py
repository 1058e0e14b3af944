"""What an import of a file would bring, told without keeping anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.order_ingest.application.convert_file import parted, refusal
from services.order_ingest.application.import_rows import Rejection
from services.order_ingest.domain.changes import OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import canonical
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.storefront import Arrival

MOST_SHOWN: Final = 100
_SAMPLES: Final = 3


@dataclass(slots=True)
class Sum:
    """Orders of one currency; amounts in its minor units."""

    orders: int = 0
    total_minor: int = 0
    refunded_minor: int = 0


@dataclass(slots=True)
class Preview:
    """Figures over the lines so far; of the refused ones the first hundred, of the orders the first three."""

    received_at: datetime
    is_converted: bool
    read: int = 0
    orders: int = 0
    anonymous: int = 0
    others: int = 0
    refused: int = 0
    first_placed_at: datetime | None = None
    last_placed_at: datetime | None = None
    sums: dict[str, Sum] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    samples: list[Mapping[str, Any]] = field(default_factory=list)
    _rest: bytes = b""

    def take(self, part: bytes) -> None:
        """The part's whole lines are counted; the rest waits for the next part."""
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            self._line(line)

    def end(self) -> None:
        """The last line, which need not end with a line feed, is counted."""
        if self._rest.strip():
            self._line(self._rest)

    def _line(self, line: bytes) -> None:
        self.read += 1
        row_no = self.read
        if self.is_converted:
            row_no, line = parted(line)
        try:
            body = load(line)
            if self.is_converted and (reason := refusal(body)) is not None:
                self._refuse(row_no, reason)
                return
            change = canonical.parse(body, Arrival(topic=None, at=self.received_at))
        except Malformed as complaint:
            self._refuse(row_no, str(complaint))
            return
        if isinstance(change, Unheeded):
            self._refuse(row_no, f"{change.outcome}: {change.reason}")
        elif isinstance(change, OrderSeen):
            self._count(change, body)
        else:
            self.others += 1

    def _count(self, seen: OrderSeen, body: Mapping[str, Any]) -> None:
        self.orders += 1
        person = seen.person
        self.anonymous += not (person.external_id or person.email or person.phone)
        placed_at = seen.content.placed_at
        self.first_placed_at = min(placed_at, self.first_placed_at or placed_at)
        self.last_placed_at = max(placed_at, self.last_placed_at or placed_at)
        total = self.sums.setdefault(seen.content.currency, Sum())
        total.orders += 1
        total.total_minor += seen.content.total_minor
        total.refunded_minor += sum(refund.amount_minor for refund in seen.refunds)
        if len(self.samples) < _SAMPLES:
            self.samples.append(body)

    def _refuse(self, row_no: int, reason: str) -> None:
        self.refused += 1
        if len(self.rejections) < MOST_SHOWN:
            self.rejections.append(Rejection(row_no=row_no, reason=reason))
