"""What a consumer does with what it read, and with failures: each rule named by the failure that it prevents."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from libs.eventbus.answers import (
    Action,
    BatchPlan,
    Judgement,
    Remedy,
)
from libs.eventbus.lanes import CHAIN_START, EPOCH_BITS, chain_next
from libs.eventbus.protocol import (
    ATTEMPTS,
    CAREFUL_AFTER_DEATH,
    circuit_opens,
    is_careful,
    judge,
    on_batch_failure,
    on_failure,
    plan_batch,
)
from libs.eventbus.words import (
    Failure,
    Gap,
    Mark,
    Progress,
    Record,
    Signal,
    Watermark,
)
from tests.libs.eventbus.lane_history import LANE, OTHER, history, mark_at

START = Mark()


def planned(
    items: Sequence[Record | Signal], *, mark: Mark = Mark(), opened: str = "", halted: bool = False
) -> BatchPlan:
    subjects = {(LANE, key) for key in opened}
    return plan_batch({LANE: mark, OTHER: Mark()}, subjects, {LANE: 0} if halted else {}, (), items)


def actions(plan: BatchPlan) -> list[tuple[int, Action]]:
    return [(step.record.sequence, step.action) for step in plan.steps]


# --- judge


def test_a_repeated_event_is_never_applied_again() -> None:
    one, two, three = history("abc")

    assert judge(mark_at(three), two) is Judgement.SKIP
    assert judge(mark_at(three), three) is Judgement.SKIP
    assert judge(mark_at(one), two) is Judgement.APPLY


def test_an_event_beyond_the_next_one_is_a_gap_and_not_applied() -> None:
    one, _, three = history("abc")

    assert judge(mark_at(one), three) is Judgement.GAP


def test_the_next_number_of_another_history_is_never_applied() -> None:
    ours, theirs = history("ab"), history("abc", salt=9)

    assert judge(mark_at(ours[1]), theirs[2]) is Judgement.SUSPECT


def test_a_fork_at_the_mark_itself_is_suspected_and_not_taken_for_a_duplicate() -> None:
    ours, theirs = history("ab"), history("ab", salt=9)

    assert judge(mark_at(ours[1]), theirs[1]) is Judgement.SUSPECT


def test_a_re_said_fact_behind_another_predecessor_is_suspected_although_its_id_is_the_same() -> None:
    one, two = history("ab")
    moved = replace(two, chain=chain_next(chain_next(CHAIN_START, UUID(int=77)), two.event_id))

    assert judge(mark_at(one), moved) is Judgement.SUSPECT


def test_a_mark_without_a_chain_accepts_any_successor() -> None:
    _, _, three = history("abc")

    assert judge(Mark(2, None), three) is Judgement.APPLY


def test_the_first_event_of_a_new_epoch_is_a_gap_until_epochs_are_accepted() -> None:
    one, two = history("ab")
    started = replace(two, sequence=(1 << EPOCH_BITS) + 1)

    assert judge(mark_at(one), started) is Judgement.GAP
    assert Mark(started.sequence).epoch == 1


# --- plan_batch


def test_a_batch_applies_in_order_and_moves_the_mark_to_its_last_event() -> None:
    records = history("abc")

    plan = planned(records)

    assert actions(plan) == [(1, Action.APPLY), (2, Action.APPLY), (3, Action.APPLY)]
    assert plan.marks == {LANE: mark_at(records[2])}


def test_a_lane_stops_at_its_first_gap_while_other_lanes_go_on() -> None:
    records, others = history("abcd"), history("xy", lane=OTHER)

    plan = planned([records[0], records[2], others[0], records[3], others[1]])

    assert [(step.record.lane, step.record.sequence) for step in plan.steps] == [(LANE, 1), (OTHER, 1), (OTHER, 2)]
    assert plan.marks == {LANE: mark_at(records[0]), OTHER: mark_at(others[1])}
    assert [seen.sight for seen in plan.seen if seen.lane == LANE] == [Progress(), Gap(3), Gap(4)]


def test_a_rewind_inside_a_batch_closes_the_gap_in_the_same_batch() -> None:
    one, two, three = history("abc")

    plan = planned([one, three, two, three])

    assert actions(plan) == [(1, Action.APPLY), (2, Action.APPLY), (3, Action.APPLY)]


def test_duplicates_in_a_batch_are_counted_and_have_no_effect() -> None:
    records = history("ab")

    plan = planned([*records, *records])

    assert (len(plan.steps), plan.skipped) == (2, 2)


def test_nothing_of_a_halted_lane_is_applied_or_skipped() -> None:
    plan = planned(history("ab"), halted=True)

    assert (plan.steps, dict(plan.marks), plan.seen, plan.skipped) == ((), {}, (), 0)


def test_later_events_of_a_parked_subject_wait_behind_it_while_others_flow() -> None:
    records = history("aba")

    plan = planned(records, opened="a")

    assert actions(plan) == [(1, Action.PARK), (2, Action.APPLY), (3, Action.PARK)]
    assert plan.marks == {LANE: mark_at(records[2])}


def test_an_erasure_is_never_parked_and_discards_what_waits_in_the_same_batch() -> None:
    plan = planned(history("abaAa"), opened="a")

    assert actions(plan) == [
        (1, Action.DISCARD),
        (2, Action.APPLY),
        (3, Action.DISCARD),
        (4, Action.ERASE),
        (5, Action.APPLY),
    ]


def test_an_erasure_leaves_other_parked_subjects_closed() -> None:
    assert actions(planned(history("abAb"), opened="ab")) == [
        (1, Action.DISCARD),
        (2, Action.PARK),
        (3, Action.ERASE),
        (4, Action.PARK),
    ]


def test_a_watermark_is_seen_with_the_mark_of_its_own_place() -> None:
    """With the batch's last mark, a watermark that is older than the batch's end would look like a forgotten tail."""
    records = history("abc")
    watermark = Watermark(LANE, 0, 1, 2, records[1].chain)

    plan = planned([records[0], records[1], watermark, records[2]])

    assert [(seen.sight, seen.mark.sequence) for seen in plan.seen] == [
        (Progress(), 2),
        (watermark, 2),
        (Progress(), 3),
    ]


# --- failures

EVENT = history("a")[0]
ERASURE = history("A")[0]


def test_an_outage_never_parks_or_counts_anything() -> None:
    for attempts in (1, ATTEMPTS, 100):
        assert on_batch_failure(Failure.TRANSIENT, attempts=attempts, database_works=False) is Remedy.RETRY
        assert on_batch_failure(Failure.TIMEOUT, attempts=attempts, database_works=False) is Remedy.RETRY
        assert on_failure(EVENT, Failure.TRANSIENT, attempts=attempts, database_works=False) is Remedy.RETRY
        assert on_failure(EVENT, Failure.TIMEOUT, attempts=attempts, database_works=False) is Remedy.RETRY


def test_poison_inside_a_batch_is_looked_for_by_halves() -> None:
    assert on_batch_failure(Failure.PERMANENT, attempts=1, database_works=True) is Remedy.HALVES


def test_a_batch_that_times_out_again_is_redone_singly_or_one_slow_event_would_hold_the_partition() -> None:
    assert on_batch_failure(Failure.TIMEOUT, attempts=1, database_works=True) is Remedy.RETRY
    assert on_batch_failure(Failure.TIMEOUT, attempts=2, database_works=True) is Remedy.SINGLE


def test_an_event_that_raises_is_parked_at_once() -> None:
    assert on_failure(EVENT, Failure.PERMANENT, attempts=1, database_works=True) is Remedy.PARK


@pytest.mark.parametrize("kind", [Failure.TIMEOUT, Failure.DIED])
def test_an_event_that_hangs_or_kills_is_parked_after_five_attempts(kind: Failure) -> None:
    assert on_failure(EVENT, kind, attempts=ATTEMPTS - 1, database_works=True) is Remedy.AGAIN
    assert on_failure(EVENT, kind, attempts=ATTEMPTS, database_works=True) is Remedy.PARK


def test_an_erasure_that_can_not_be_applied_stops_the_lane_and_is_not_parked() -> None:
    assert on_failure(ERASURE, Failure.PERMANENT, attempts=1, database_works=True) is Remedy.HALT
    assert on_failure(ERASURE, Failure.DIED, attempts=ATTEMPTS, database_works=True) is Remedy.HALT


def test_after_an_unclean_end_events_run_singly_so_that_a_killer_is_counted() -> None:
    assert is_careful(ended_cleanly=False, done_since_start=0)
    assert not is_careful(ended_cleanly=False, done_since_start=CAREFUL_AFTER_DEATH)
    assert not is_careful(ended_cleanly=True, done_since_start=0)


def test_a_bad_deploy_stops_the_group_instead_of_parking_everybody() -> None:
    assert circuit_opens(failed=51, seen=1000)
    assert circuit_opens(failed=51, seen=51)
    assert not circuit_opens(failed=50, seen=50)
    assert not circuit_opens(failed=50, seen=1000)
