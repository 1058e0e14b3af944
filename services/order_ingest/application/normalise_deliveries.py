"""Stored deliveries become canonical orders, customers and facts: one batch of the intake, folded."""

import asyncio
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
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.persons import CustomerSeen, DataAsked, DependantSeen, ErasureAsked, Person

PARKED = "parked"
IGNORED = "ignored"
_AT_A_STRETCH = 8


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
    """How a delivery ended: applied, no_news, ignored, test_order or parked, with a reason where one helps.

    `concerned`: whom it is about, one or two. Of a delivery that `names_erased` the body must not be kept.
    """

    place: Place
    state: str
    reason: str | None = None
    concerned: tuple[UUID, ...] = ()
    names_erased: bool = False


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
    for number, (place, letter) in enumerate(batch.letters):
        await _let_others_work(number)
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
    states = []
    for number, (_, entry) in enumerate(entries):
        await _let_others_work(number)
        states.append(apply(workspace, entry, reader.seals))
    await batch.books.store(workspace)
    for said in workspace.said:
        batch.say(said)
    return [_outcome(workspace, place, entry, state) for (place, entry), state in zip(entries, states, strict=True)]


def _outcome(workspace: Workspace, place: Place, entry: Entry, state: str) -> Outcome:
    """What is known at the batch's end: an erasure behind the delivery concerns it too."""
    concerned = workspace.concerned.get(entry.cause.id, ())
    if not concerned:
        return Outcome(place=place, state=state, reason=_remark(entry))
    people = workspace.people[entry.storefront.merchant_no]
    living = tuple(dict.fromkeys(people.resolve(customer_id) for customer_id in concerned))
    asks = isinstance(entry.change, ErasureAsked)
    return Outcome(
        place=place,
        state=state,
        reason=_remark(entry),
        concerned=living[:2],
        names_erased=asks or any(people.customers[each].erased_at is not None for each in living),
    )


async def _let_others_work(number: int) -> None:
    """The relay shares this process: what earlier batches said would else wait for all of this one at each step."""
    if number % _AT_A_STRETCH == 0:
        await asyncio.sleep(0)


def _remark(entry: Entry) -> str | None:
    match entry.change:
        case OrderSeen(remark=remark) | CustomerSeen(remark=remark):
            return remark
        case Happening(person=Person()) | DependantSeen() | ErasureAsked() | DataAsked() if not (
            entry.named and entry.named.keys
        ):
            return "names nobody: the address is none, and the number cannot be dialled"
        case Happening(recipient=Person()) if not (entry.recipient and entry.recipient.keys):
            return "the recipient names nobody, and was left out: id, email or a number that can be dialled is needed"
        case _:
            return getattr(entry.change, "reason", None)
