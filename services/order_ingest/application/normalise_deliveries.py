"""Stored deliveries become canonical orders, customers and facts: one batch of the intake, folded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from libs.contracts.envelope import Said
from services.order_ingest.application.apply_entries import apply
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Books
from services.order_ingest.application.read_entry import Letter, Reader
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.errors import Malformed

PARKED = "parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a delivery stands in the intake."""

    lane: int
    seq: int
    received_at: datetime
    delivery_id: UUID
    merchant_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a delivery ended: applied, no_news, ignored, test_order or parked, with a reason where one helps."""

    place: Place
    state: str
    reason: str | None = None


class Batch(Protocol):
    """Deliveries of one transaction, each lane of it in order and claimed by nobody else."""

    @property
    def letters(self) -> Sequence[tuple[Place, Letter]]: ...

    @property
    def unreadable(self) -> Sequence[Outcome]:
        """Deliveries whose stored body does not open, already judged."""

    @property
    def books(self) -> Books: ...

    def say(self, said: Said) -> None: ...

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """The outcomes stand and the lanes' marks have moved past them."""


async def normalise(batch: Batch, reader: Reader) -> Mapping[str, int]:
    """The whole batch is folded into the books and told; how many deliveries ended in which state."""
    entries: list[tuple[Place, Entry]] = []
    outcomes: list[Outcome] = list(batch.unreadable)
    for place, letter in batch.letters:
        try:
            entries.append((place, reader.read(letter)))
        except Malformed as complaint:
            outcomes.append(Outcome(place=place, state=PARKED, reason=str(complaint)))
    outcomes += await _fold(batch, entries, reader)
    await batch.settle(outcomes)
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.state] = counts.get(outcome.state, 0) + 1
    return counts


async def _fold(batch: Batch, entries: Sequence[tuple[Place, Entry]], reader: Reader) -> list[Outcome]:
    if not entries:
        return []
    workspace = await batch.books.load([entry for _, entry in entries])
    outcomes = [
        Outcome(place=place, state=apply(workspace, entry, reader.seals), reason=_remark(entry))
        for place, entry in entries
    ]
    await batch.books.store(workspace)
    for said in workspace.said:
        batch.say(said)
    return outcomes


def _remark(entry: Entry) -> str | None:
    match entry.change:
        case OrderSeen(remark=remark):
            return remark
        case _:
            return getattr(entry.change, "reason", None)
