"""The source's side, relay, replies and retention: each rule named by the failure that it prevents."""

from uuid import UUID

import pytest

from libs.eventbus.answers import (
    Hole,
    Idle,
    Jump,
    KeepAll,
    MoveFloor,
    Rewind,
    Send,
)
from libs.eventbus.lanes import CHAIN_START
from libs.eventbus.protocol import (
    REQUEST_SECONDS,
    WATERMARK_EVERY_SECONDS,
    floor_plan,
    relay_plan,
    source_reply,
    watermark_due,
)
from libs.eventbus.words import (
    Child,
    Nak,
    Refused,
    Row,
    SourceLane,
    Verified,
    Verify,
)
from tests.libs.eventbus.lane_history import LANE, history

# --- relay_plan


def rows(*sequences: int) -> list[Row]:
    return [Row(sequence, UUID(int=sequence), bytes(16)) for sequence in sequences]


def test_the_relay_sends_what_follows_the_cursor_and_names_both_ends_for_the_compare_and_set() -> None:
    plan = relay_plan(rows(6, 7), cursor=5, floor=1, head=9, last_seen=5)

    assert plan == Send(2, None, cursor_from=5, cursor_to=7)


def test_the_relay_stops_at_a_hole_and_sends_nothing_beyond_it() -> None:
    assert relay_plan(rows(6, 8), cursor=5, floor=1, head=8, last_seen=None) == Send(1, None, 5, 6)
    assert relay_plan(rows(8), cursor=6, floor=1, head=8, last_seen=None) == Hole(7)
    assert relay_plan([], cursor=6, floor=1, head=8, last_seen=None) == Hole(7)


def test_a_cursor_below_the_floor_jumps_to_it_instead_of_meeting_a_hole_for_ever() -> None:
    assert relay_plan(rows(10), cursor=3, floor=10, head=12, last_seen=None) == Jump(cursor_from=3, cursor_to=9)
    assert relay_plan(rows(10), cursor=9, floor=10, head=10, last_seen=None) == Send(1, None, 9, 10)


def test_a_rewound_cursor_is_told_in_the_lane() -> None:
    assert relay_plan(rows(4, 5), cursor=3, floor=1, head=5, last_seen=5) == Send(2, 3, 3, 5)


def test_a_lane_without_work_is_idle() -> None:
    assert relay_plan([], cursor=5, floor=3, head=5, last_seen=5) == Idle()


def test_a_watermark_follows_its_data_and_never_overtakes_it() -> None:
    assert not watermark_due(changed_at=0, written_at=None, drained=False, now=100)
    assert watermark_due(changed_at=0, written_at=None, drained=True, now=0)


def test_a_watermark_is_told_once_a_lane_has_settled_and_then_every_ten_minutes() -> None:
    assert not watermark_due(changed_at=10, written_at=5, drained=True, now=10.5)
    assert watermark_due(changed_at=10, written_at=5, drained=True, now=11)
    assert not watermark_due(changed_at=10, written_at=11, drained=True, now=60)
    assert watermark_due(changed_at=10, written_at=11, drained=True, now=11 + WATERMARK_EVERY_SECONDS)


# --- source_reply

HISTORY = history("abcdefgh")
SOURCE = SourceLane(floor=4, head=8, chain=HISTORY[7].chain)


def held(sequence: int) -> Row | None:
    """The first row at or above the sequence that the source still holds."""
    kept = [record for record in HISTORY if record.sequence >= max(sequence, SOURCE.floor)]
    return Row(kept[0].sequence, kept[0].event_id, kept[0].chain) if kept else None


def replied(request: Nak | Verify, *, age_seconds: float = 1.0) -> Rewind | Refused | Verified | None:
    sequence = request.to if isinstance(request, Nak) else request.sequence
    return source_reply(request, SOURCE, held(sequence), age_seconds=age_seconds)


def test_a_rewind_down_to_the_floor_is_carried_out_and_one_below_is_refused() -> None:
    assert replied(Nak(LANE, 3)) == Rewind(LANE, 3)
    assert replied(Nak(LANE, 2)) == Refused(LANE, 4)


def test_a_stale_request_is_ignored() -> None:
    assert replied(Nak(LANE, 5), age_seconds=REQUEST_SECONDS + 1) is None


@pytest.mark.parametrize("sequence", [3, 4, 6, 8], ids=["just below the floor", "at the floor", "held", "head"])
def test_a_mark_of_our_history_is_known_even_if_its_row_was_dropped(sequence: int) -> None:
    ours = HISTORY[sequence - 1].chain

    assert replied(Verify(LANE, sequence, ours, "n")) == Verified(LANE, "n", known=True)
    assert replied(Verify(LANE, sequence, b"another", "n")) == Verified(LANE, "n", known=False)


def test_a_forgotten_tail_is_unknown() -> None:
    assert replied(Verify(LANE, 9, b"any", "n")) == Verified(LANE, "n", known=False)
    assert replied(Verify(LANE, 9, None, "n")) == Verified(LANE, "n", known=False)


def test_a_mark_whose_history_was_dropped_is_refused_not_called_unknown() -> None:
    assert replied(Verify(LANE, 2, HISTORY[1].chain, "n")) == Refused(LANE, 4)


def test_a_mark_at_the_start_is_known_to_an_empty_source() -> None:
    empty = SourceLane(floor=1, head=0, chain=CHAIN_START)

    assert source_reply(Verify(LANE, 0, None, "n"), empty, None, age_seconds=0) == Verified(LANE, "n", known=True)
    assert source_reply(Verify(LANE, 0, CHAIN_START, "n"), empty, None, age_seconds=0) == Verified(LANE, "n", True)


# --- floor_plan

FIRST_DAY = Child("day-1", {("commerce", 3): 10, ("commerce", 4): 2})
SECOND_DAY = Child("day-2", {("commerce", 3): 20})
DAYS = (FIRST_DAY, SECOND_DAY)


def test_children_below_every_group_s_marks_go_and_the_floor_stands_above_them() -> None:
    plan = floor_plan(DAYS, {"loyalty": {("commerce", 3): 15, ("commerce", 4): 2}}, {}, capped=())

    assert plan == MoveFloor((FIRST_DAY,), {("commerce", 3): 11, ("commerce", 4): 3}, ())


def test_a_group_that_never_reported_holds_everything() -> None:
    assert floor_plan(DAYS, {"loyalty": {}}, {}, capped=()) == KeepAll(("loyalty",))


def test_a_younger_child_never_goes_before_an_older_one() -> None:
    emptied = Child("day-2", {("commerce", 4): 1})

    assert floor_plan((SECOND_DAY, emptied), {"loyalty": {("commerce", 4): 9}}, {}, capped=()) == KeepAll(("loyalty",))


def test_the_hard_cap_drops_in_any_case_and_names_who_loses() -> None:
    plan = floor_plan(
        DAYS, {"loyalty": {}, "messaging": {("commerce", 3): 10, ("commerce", 4): 2}}, {}, capped={"day-1"}
    )

    assert isinstance(plan, MoveFloor)
    assert (plan.children, plan.forced_past) == ((FIRST_DAY,), ("loyalty",))


def test_a_floor_never_goes_down() -> None:
    plan = floor_plan((FIRST_DAY,), {}, {("commerce", 3): 50}, capped=())

    assert isinstance(plan, MoveFloor)
    assert plan.floors == {("commerce", 3): 50, ("commerce", 4): 3}
