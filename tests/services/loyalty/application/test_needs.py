"""A batch loaded as `scopes_of` asks ends as one with everything in memory, and loads no more than it needs."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from libs.contracts.envelope import Event
from services.loyalty.application.needs import Scope, scopes_of
from services.loyalty.domain.programmes import default_rules
from tests.services.loyalty.facts import START, Facts, uid
from tests.services.loyalty.ledger_checks import violations
from tests.services.loyalty.pure_world import PureWorld

NAMES = ("ann", "ben", "eve")
KINDS = (*["placed", "paid"] * 4, "changed", "refunded", "refunded", "cancelled", "deleted", "merged")
DAYS = (0, 0, 1, 2, 40)  # within the days in which an order's points are pending, and beyond

happenings = st.tuples(
    st.sampled_from(KINDS), st.sampled_from(NAMES), st.integers(0, 4), st.integers(0, 9_000), st.sampled_from(DAYS)
)
batches = st.lists(st.lists(happenings, min_size=1, max_size=4), min_size=2, max_size=12)


def event(tell: Facts, kind: str, name: str, order: str, cents: int) -> Event[Any]:
    match kind:
        case "placed":
            return tell.placed(name, order, cents)
        case "changed":
            return tell.changed(name, order, cents, version=2 + tell.told)
        case "refunded":
            return tell.refunded(name, order, cents // 3, refund=f"r{tell.told}")
        case "merged":
            return tell.merged(name, NAMES[0] if name != NAMES[0] else NAMES[1], version=2 + tell.told)
    told: Event[Any] = getattr(tell, kind)(name, order)
    return told


def world() -> PureWorld:
    return PureWorld(NAMES, default_rules("USD"))


def hear_within_scopes(there: PureWorld, batch: Sequence[Event[Any]]) -> None:
    """The batch is heard by books that hold no lot beyond their scope."""
    hidden: set[int] = set()
    scopes = scopes_of(there.world, batch)
    for number, member in there.world.members.items():
        scope, book = scopes.get(number, Scope()), member.book
        if not scope.whole:
            hidden |= {n for n, lot in book.lots.items() if not (scope.lots and lot.available_at > scope.since)}
            book.lots = {n: lot for n, lot in book.lots.items() if n not in hidden}
            book.whole = False
    there.hear(*batch)
    for member in there.world.members.values():
        member.book.whole = True
    for lot in there.world.journal.lots:
        if lot.lot_id in hidden:
            there.world.members[lot.account_id].book.lots[lot.lot_id] = lot


def end_of(there: PureWorld) -> dict[str, Any]:
    assert not violations(there.world)
    lots = sorted((lot.account_id, lot.grant_id, lot.remaining) for lot in there.world.journal.lots)
    return {
        "lots": lots,
        "entries": [(entry.entry_id, entry.kind, entry.points) for entry in there.world.journal.entries],
        "told": [said.fact for said in there.world.said],
        "accounts": {number: member.account for number, member in there.world.members.items()},
    }


@settings(max_examples=250, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(batches)
def test_what_the_scopes_leave_out_changes_nothing(told: list[list[tuple[str, str, int, int, int]]]) -> None:
    tell = Facts()
    whole, scoped = world(), world()
    for batch in told:
        events = []
        for kind, name, order, cents, days in batch:
            tell.at += timedelta(days=days)
            events.append(event(tell, kind, name, f"o{order}", cents))
        whole.hear(*events)
        hear_within_scopes(scoped, events)

    assert end_of(scoped) == end_of(whole)


@pytest.mark.parametrize("undone", ["refunded", "cancelled", "deleted"])
def test_only_an_order_that_holds_points_needs_every_lot_to_be_undone(undone: str) -> None:
    tell, there = Facts(at=START), world()

    def wants(*events: Event[Any]) -> bool:
        scopes = scopes_of(there.world, events)
        return scopes[there.world.accounts[1, uid("ann")]].whole

    assert not wants(event(tell, undone, "ann", "o", 900))  # of an order that nobody knows
    there.hear(tell.placed("ann", "o", 3_000))
    assert not wants(event(tell, undone, "ann", "o", 900))  # of one that nobody paid
    assert wants(tell.paid("ann", "o"), event(tell, undone, "ann", "o", 900))
    there.hear(tell.paid("ann", "o"))
    assert wants(event(tell, undone, "ann", "o", 900))
    there.hear(tell.cancelled("ann", "o"))
    assert not wants(event(tell, undone, "ann", "o", 900))  # its points are back already
