"""Epochs, as plain calls: where a reader stands on a line that was cut, and what accepting the cut means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from libs.eventbus.answers import Acceptance, Action, HaltLane, Hole, Judgement, Send, Stranger
from libs.eventbus.lanes import CHAIN_START, chain_next
from libs.eventbus.protocol import judge, plan_batch, relay_plan, source_reply, watch
from libs.eventbus.protocol_epochs import DENSE_WAYPOINTS, accept_plan, first_of, next_epoch, waypoint_sequences
from libs.eventbus.words import (
    Gap,
    LaneWatch,
    Mark,
    Nak,
    Opened,
    Opening,
    Point,
    Record,
    Row,
    SourceLane,
    Tick,
    Trace,
    Verified,
    Verify,
    Watermark,
)
from tests.libs.eventbus.lane_history import LANE, history, mark_at

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
FIVE = history("abcde")
FORK = [*history("abc"), *history("abcde", salt=7)[3:]]  # the numbers of 4 and 5, other events


def opening_after(records: list[Record], *, epoch: int = 9, lineage: tuple[Point, ...] = ()) -> Record:
    """The first record of the epoch that follows these."""
    last = records[-1]
    event_id = UUID(int=(0xE << 100) + epoch)
    waypoints = tuple(Point(one.sequence, one.chain) for one in records)
    opens = Opening((*lineage, Point(last.sequence, last.chain)), waypoints)
    return Record(LANE, first_of(epoch), chain_next(last.chain, event_id), event_id, "epoch", opens=opens)


def traces(records: list[Record]) -> list[Trace]:
    return [Trace(one.sequence, one.chain, one.event_id, "order.placed.v1") for one in records]


def rechained(records: list[Record]) -> list[Record]:
    """The records with chains that follow one another."""
    chain, done = CHAIN_START, []
    for one in records:
        chain = chain_next(chain, one.event_id)
        done.append(replace(one, chain=chain))
    return done


# --- judging an epoch's first record


def test_a_reader_at_the_end_of_the_lineage_goes_on() -> None:
    opened = opening_after(FIVE[:3])

    assert judge(mark_at(FIVE[2]), opened) is Judgement.APPLY
    assert judge(Mark(3, None), opened) is Judgement.APPLY


def test_a_reader_below_hears_the_rest_first() -> None:
    assert judge(mark_at(FIVE[1]), opening_after(FIVE[:3])) is Judgement.GAP
    assert judge(Mark(), opening_after(FIVE[:3])) is Judgement.GAP


def test_a_reader_above_suspects_that_it_was_forgotten() -> None:
    assert judge(mark_at(FIVE[4]), opening_after(FIVE[:3])) is Judgement.SUSPECT


def test_a_reader_on_another_branch_at_the_same_number_suspects_it() -> None:
    assert judge(mark_at(rechained(FORK)[4]), opening_after(FIVE)) is Judgement.SUSPECT


def test_a_reader_of_an_epoch_that_the_lineage_never_had_suspects_it() -> None:
    abandoned = opening_after(FIVE, epoch=5)

    assert judge(mark_at(abandoned), opening_after(FIVE[:3])) is Judgement.SUSPECT


def test_an_epoch_that_was_heard_is_skipped_like_any_record() -> None:
    opened = opening_after(FIVE)

    assert judge(mark_at(opened), opened) is Judgement.SKIP


def test_an_earlier_epoch_in_the_lineage_is_a_gap_up_to_its_successor() -> None:
    first = opening_after(FIVE[:3], epoch=5)
    second = opening_after([first], epoch=9, lineage=(Point(3, FIVE[2].chain),))

    assert judge(mark_at(FIVE[2]), second) is Judgement.GAP
    assert judge(mark_at(FIVE[3]), second) is Judgement.SUSPECT
    assert judge(mark_at(first), second) is Judgement.APPLY


# --- a batch


def test_an_event_that_took_effect_before_it_was_forgotten_moves_the_mark_only() -> None:
    opened = opening_after(FIVE[:3])
    again = Record(LANE, opened.sequence + 1, b"", FIVE[3].event_id, "d")
    again = replace(again, chain=chain_next(opened.chain, again.event_id))

    plan = plan_batch({LANE: mark_at(FIVE[2])}, (), {}, {FIVE[3].event_id}, [opened, again])

    assert [step.action for step in plan.steps] == [Action.APPLY, Action.KNOWN]
    assert plan.marks == {LANE: mark_at(again)}


def test_a_halted_lane_hears_how_the_next_epoch_begins_once() -> None:
    opened = opening_after(FIVE[:3])
    marks = {LANE: mark_at(FIVE[4])}

    plan = plan_batch(marks, (), {LANE: 0}, (), [*FIVE, opened])
    again = plan_batch(marks, (), {LANE: 9}, (), [opened])

    assert [seen.sight for seen in plan.seen] == [Opened(opened)]
    assert (plan.steps, again.seen) == ((), ())


def test_a_halted_lane_asks_for_an_epoch_that_only_a_watermark_speaks_of() -> None:
    told = Watermark(LANE, 9, 1, first_of(9) + 4, b"")

    plan = plan_batch({LANE: mark_at(FIVE[4])}, (), {LANE: 0}, (), [told, replace(told, epoch=0)])

    assert [seen.sight for seen in plan.seen] == [Gap(first_of(9) + 4)]


def test_an_unknown_answer_that_halts_leaves_nothing_to_ask() -> None:
    state = LaneWatch(LANE, 0.0, suspected=True, unknown=1)
    mark = mark_at(FIVE[4])
    state, _ = watch(state, mark, Watermark(LANE, 0, 1, 3, FIVE[2].chain), now=1.0, nonce="")
    state = replace(state, question=None)
    asked = watch(state, mark, Tick(at_end=True), now=2.0, nonce="n")[0]

    after, demands = watch(asked, mark, Verified(LANE, "n", known=False), now=3.0, nonce="")

    assert isinstance(demands[0], HaltLane)
    assert watch(after, mark, Tick(at_end=True), now=500.0, nonce="m")[1] == ()


def test_a_lane_that_an_epoch_made_suspicious_stops_with_it_at_hand() -> None:
    opened, mark = opening_after(FIVE[:3]), mark_at(FIVE[4])
    (seen,) = plan_batch({LANE: mark}, (), {}, (), [opened]).seen
    state = LaneWatch(LANE, 0.0, unknown=1)

    state, _ = watch(state, mark, seen.sight, now=1.0, nonce="")
    state, asked = watch(state, mark, Tick(at_end=True), now=9.0, nonce="n")
    _, demands = watch(state, mark, Verified(LANE, "n", known=False), now=9.1, nonce="")

    assert asked == (Verify(LANE, 5, FIVE[4].chain, "n"),)  # and no rewind: it would bring the same again
    assert [demand.opening for demand in demands if isinstance(demand, HaltLane)] == [opened]


def test_what_follows_a_suspicious_epoch_is_not_asked_for_until_the_answer() -> None:
    """The source would send the whole epoch again to everybody, and this reader would drop it again."""
    opened, mark = opening_after(FIVE[:3]), mark_at(FIVE[4])
    (suspicion,) = plan_batch({LANE: mark}, (), {}, (), [opened]).seen
    state = LaneWatch(LANE, 0.0)
    for sight in (suspicion.sight, Gap(opened.sequence + 40)):
        state, _ = watch(state, mark, sight, now=1.0, nonce="")

    state, before = watch(state, mark, Tick(at_end=True), now=9.0, nonce="n")
    state, _ = watch(state, mark, Verified(LANE, "n", known=True), now=9.5, nonce="")
    _, behind = watch(state, mark, Tick(at_end=True), now=10.0, nonce="m")

    assert [type(demand) for demand in before] == [Verify]
    assert behind == (Nak(LANE, 5),)


# --- the relay and the source


def test_the_relay_sends_an_epoch_right_behind_what_it_follows() -> None:
    rows = [*_rows(FIVE[:3]), _row(opening_after(FIVE[:3]))]

    sent = relay_plan(rows, cursor=0, floor=1, head=first_of(9), last_seen=None)

    assert sent == Send(4, None, cursor_from=0, cursor_to=first_of(9))


def test_a_cursor_beyond_the_cut_reaches_the_epoch() -> None:
    sent = relay_plan([_row(opening_after(FIVE[:3]))], cursor=5, floor=1, head=first_of(9), last_seen=None)

    assert sent == Send(1, None, cursor_from=5, cursor_to=first_of(9))


def test_an_epoch_behind_a_missing_row_is_a_hole() -> None:
    rows = [*_rows(FIVE[:2]), _row(opening_after(FIVE[:3]))]

    assert relay_plan(rows, cursor=2, floor=1, head=first_of(9), last_seen=None) == Hole(3)
    assert relay_plan(rows[2:], cursor=2, floor=1, head=first_of(9), last_seen=None) == Hole(3)


@pytest.mark.parametrize(("place", "known"), [(FIVE[1], True), (FIVE[2], True), (FIVE[3], False), (FIVE[4], False)])
def test_a_source_knows_of_an_earlier_epoch_what_its_lineage_holds(place: Record, known: bool) -> None:
    opened = opening_after(FIVE[:3])
    held = [*_rows(FIVE[:3]), _row(opened)]
    row = next(row for row in held if row.sequence >= place.sequence)
    source = SourceLane(1, opened.sequence, opened.chain, (Point(3, FIVE[2].chain),))

    answer = source_reply(Verify(LANE, place.sequence, place.chain, "n"), source, row, age_seconds=0)

    assert answer == Verified(LANE, "n", known)


def test_epochs_are_numbered_by_the_clock_and_never_downwards() -> None:
    lost = next_epoch(0, NOON)

    assert next_epoch(0, NOON + timedelta(minutes=10)) > lost  # restored to before it: the same number is not reused
    assert next_epoch(lost, NOON - timedelta(days=9)) == lost + 1
    assert first_of(next_epoch(0, datetime(2185, 1, 1, tzinfo=UTC))) < 2**63


def test_waypoints_are_dense_near_the_end_and_sparse_over_every_epoch() -> None:
    head = first_of(3) + 5000

    places = waypoint_sequences([300, head])

    assert places[-DENSE_WAYPOINTS:] == list(range(head - DENSE_WAYPOINTS + 1, head + 1))
    assert all(place <= 300 or first_of(3) <= place for place in places)
    assert len(places) < DENSE_WAYPOINTS + 30
    assert waypoint_sequences([0]) == []
    assert waypoint_sequences([2, first_of(3) + 1]) == [1, 2, first_of(3), first_of(3) + 1]


# --- accepting


def test_accepting_a_forgotten_tail_resumes_at_the_cut_and_keeps_the_ids_beyond() -> None:
    plan = accept_plan(mark_at(FIVE[4]), traces(FIVE), _opens(opening_after(FIVE[:3])))

    assert plan == Acceptance(mark_at(FIVE[2]), tuple(traces(FIVE)[3:]))


def test_accepting_a_fork_resumes_where_the_branches_part() -> None:
    mine = rechained(FORK)

    plan = accept_plan(mark_at(mine[4]), traces(mine), _opens(opening_after(FIVE)))

    assert plan == Acceptance(mark_at(FIVE[2]), tuple(traces(mine)[3:]))


def test_where_waypoints_are_sparse_what_nobody_compared_is_unsure() -> None:
    mine = rechained(FORK)
    told = Opening((Point(5, FIVE[4].chain),), (Point(1, FIVE[0].chain), Point(4, FIVE[3].chain)))

    plan = accept_plan(mark_at(mine[4]), traces(mine), told)

    assert plan == Acceptance(mark_at(FIVE[0]), tuple(traces(mine)[3:]), unsure=tuple(traces(mine)[1:3]))


def test_accepting_nothing_forgotten_resumes_at_the_mark() -> None:
    plan = accept_plan(mark_at(FIVE[2]), (), _opens(opening_after(FIVE)))

    assert plan == Acceptance(mark_at(FIVE[2]), ())


def test_a_source_that_forgot_everything_is_accepted_from_the_start() -> None:
    nothing = Opening((Point(0, CHAIN_START),))

    assert accept_plan(mark_at(FIVE[4]), traces(FIVE), nothing) == Acceptance(Mark(0, CHAIN_START), tuple(traces(FIVE)))


def test_a_trail_that_does_not_reach_back_to_the_cut_is_refused() -> None:
    assert accept_plan(mark_at(FIVE[4]), traces(FIVE)[4:], _opens(opening_after(FIVE[:3]))) == Stranger()
    assert accept_plan(mark_at(FIVE[4]), (), _opens(opening_after(FIVE[:3]))) == Stranger()


def _rows(records: list[Record]) -> list[Row]:
    return [_row(record) for record in records]


def _row(record: Record) -> Row:
    after = record.opens.previous.sequence if record.opens else None
    return Row(record.sequence, record.event_id, record.chain, after)


def _opens(record: Record) -> Opening:
    assert record.opens is not None
    return record.opens
