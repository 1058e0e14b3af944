"""What a consumer asks of the source, and when it stops: each rule named by the failure that it prevents."""

from dataclasses import replace

import pytest

from libs.eventbus.answers import (
    Demand,
    HaltGroup,
    HaltLane,
    Reread,
)
from libs.eventbus.protocol import (
    PATIENCE_SECONDS,
    QUESTION_SECONDS,
    REQUEST_SECONDS,
    watch,
)
from libs.eventbus.words import (
    Gap,
    LaneWatch,
    Mark,
    Nak,
    Progress,
    Refused,
    Rewound,
    Sight,
    Suspicion,
    Tick,
    Verified,
    Verify,
    Watermark,
)
from tests.libs.eventbus.lane_history import LANE

# --- watch

FRESH = LaneWatch(LANE, progressed_at=0.0)


def after(state: LaneWatch, mark: Mark, *sights: Sight, now: float = 0.0) -> tuple[LaneWatch, list[Demand]]:
    demands: list[Demand] = []
    for number, sight in enumerate(sights):
        state, more = watch(state, mark, sight, now=now, nonce=f"nonce-{now}-{number}")
        demands += more
    return state, demands


def test_a_gap_without_progress_for_two_seconds_is_asked_for_again() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))

    assert after(state, Mark(5), Tick(at_end=True), now=PATIENCE_SECONDS - 0.1)[1] == []
    assert after(state, Mark(5), Tick(at_end=True), now=PATIENCE_SECONDS)[1] == [Nak(LANE, 5)]


def test_a_slow_consumer_with_unread_records_asks_for_nothing() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))

    assert after(state, Mark(5), Tick(at_end=False), now=100)[1] == []


def test_a_lost_tail_is_found_by_the_watermark_though_nothing_follows() -> None:
    state, _ = after(FRESH, Mark(5), Watermark(LANE, 0, 1, 7, b"head"))

    assert after(state, Mark(5), Tick(at_end=True), now=3)[1] == [Nak(LANE, 5)]


def test_a_closed_gap_is_not_asked_for() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))
    state, _ = after(state, Mark(8), Progress(), now=1)

    assert after(state, Mark(8), Tick(at_end=True), now=10)[1] == []


def test_a_second_rewind_waits_for_the_marker_or_a_minute() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))
    state, asked = after(state, Mark(5), Tick(at_end=True), now=3)

    assert asked == [Nak(LANE, 5)]
    assert after(state, Mark(5), Tick(at_end=True), now=REQUEST_SECONDS)[1] == []
    assert after(state, Mark(5), Tick(at_end=True), now=3 + REQUEST_SECONDS)[1] == [Nak(LANE, 5)]


def test_after_the_rewound_marker_a_new_gap_may_be_asked_for_again() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))
    state, _ = after(state, Mark(5), Tick(at_end=True), now=3)
    state, _ = after(state, Mark(5), Rewound(LANE, 4), now=4)

    assert after(state, Mark(5), Tick(at_end=True), now=5)[1] == []
    assert after(state, Mark(5), Tick(at_end=True), now=6)[1] == [Nak(LANE, 5)]


def test_once_a_gap_is_closed_the_next_one_does_not_wait_for_the_old_marker() -> None:
    """The relay that was asked may have died before it told the marker."""
    state, _ = after(FRESH, Mark(5), Gap(8))
    state, _ = after(state, Mark(5), Tick(at_end=True), now=3)
    state, _ = after(state, Mark(8), Progress(), Gap(12), now=4)

    assert after(state, Mark(8), Tick(at_end=True), now=4 + PATIENCE_SECONDS)[1] == [Nak(LANE, 8)]


def test_another_group_s_rewind_beyond_the_mark_does_not_answer_ours() -> None:
    state, _ = after(FRESH, Mark(5), Gap(8))
    state, _ = after(state, Mark(5), Tick(at_end=True), now=3)
    state, _ = after(state, Mark(5), Rewound(LANE, 6), now=4)

    assert after(state, Mark(5), Tick(at_end=True), now=10)[1] == []


@pytest.mark.parametrize(
    "sight",
    [Suspicion(6), Watermark(LANE, 0, 1, 4, b"before"), Watermark(LANE, 0, 1, 5, b"another")],
    ids=["wrong chain", "head below the mark: forgotten tail", "another chain at the mark: fork"],
)
def test_a_contradiction_is_asked_about_before_anything_stops(sight: Sight) -> None:
    state, _ = after(FRESH, Mark(5, b"ours"), sight)

    _, demands = after(state, Mark(5, b"ours"), Tick(at_end=True), now=1)

    assert demands == [Verify(LANE, 5, b"ours", "nonce-1-0")]


def test_a_contradiction_is_asked_about_however_much_is_unread() -> None:
    """A reader that never catches up would else never stop what its source forgot."""
    state, _ = after(FRESH, Mark(5, b"ours"), Suspicion(6), Gap(8))

    _, demands = after(state, Mark(5, b"ours"), Tick(at_end=False), now=100)

    assert demands == [Verify(LANE, 5, b"ours", "nonce-100-0")]


def test_a_foreign_record_is_dropped_once_the_source_knows_the_mark() -> None:
    """A zombie relay or a log read again must not stop a healthy lane."""
    state, _ = after(FRESH, Mark(5, b"ours"), Suspicion(6), Tick(at_end=True))
    state, demands = after(state, Mark(5, b"ours"), Verified(LANE, "nonce-0.0-1", known=True), now=1)

    assert demands == []
    assert after(state, Mark(5, b"ours"), Tick(at_end=True), now=100)[1] == []


def test_a_source_restored_without_a_new_epoch_stops_the_lane_after_two_unknown_answers() -> None:
    mark = Mark(5, b"ours")
    state, _ = after(FRESH, mark, Suspicion(6), Tick(at_end=True))
    state, first = after(state, mark, Verified(LANE, "nonce-0.0-1", known=False), now=1)
    state, again = after(state, mark, Tick(at_end=True), now=2)
    state, second = after(state, mark, Verified(LANE, "nonce-2-0", known=False), now=3)

    assert (first, again) == ([], [Verify(LANE, 5, b"ours", "nonce-2-0")])
    assert [type(demand) for demand in second] == [HaltLane]


def test_an_answer_to_another_question_is_ignored() -> None:
    mark = Mark(5, b"ours")
    state, _ = after(FRESH, mark, Suspicion(6), Tick(at_end=True))

    answered, demands = after(state, mark, *[Verified(LANE, "somebody else's", known=False)] * 3, now=1)

    assert (answered, demands) == (state, [])


def test_an_answer_about_a_mark_that_has_moved_on_is_ignored() -> None:
    state, _ = after(FRESH, Mark(5, b"ours"), Suspicion(6), Tick(at_end=True))
    state = replace(state, unknown=1)

    assert after(state, Mark(6, b"next"), Verified(LANE, "nonce-0.0-1", known=False), now=1)[1] == []


def test_a_question_that_was_lost_is_asked_again() -> None:
    state, _ = after(FRESH, Mark(5), Suspicion(6), Tick(at_end=True))

    assert after(state, Mark(5), Tick(at_end=True), now=QUESTION_SECONDS - 1)[1] == []
    assert after(state, Mark(5), Tick(at_end=True), now=QUESTION_SECONDS)[1] == [Verify(LANE, 5, None, "nonce-0.0-1")]


def test_an_answer_slower_than_the_next_question_still_counts() -> None:
    mark = Mark(5, b"ours")
    state, _ = after(FRESH, mark, Suspicion(6), Tick(at_end=True))
    state, _ = after(state, mark, Tick(at_end=True), now=QUESTION_SECONDS)
    state, _ = after(state, mark, Verified(LANE, "nonce-0.0-1", known=True), now=QUESTION_SECONDS + 1)

    assert after(state, mark, Tick(at_end=True), now=100)[1] == []


def test_two_answers_to_one_question_are_not_two_answers() -> None:
    mark = Mark(5, b"ours")
    state, _ = after(FRESH, mark, Suspicion(6), Tick(at_end=True))

    _, demands = after(state, mark, *[Verified(LANE, "nonce-0.0-1", known=False)] * 2, now=1)

    assert demands == []


def test_a_refusal_that_concerns_a_reader_further_behind_is_ignored() -> None:
    assert after(FRESH, Mark(5), Refused(LANE, 6), Tick(at_end=True))[1] == []


def test_a_refusal_is_obeyed_only_after_the_log_was_read_again_without_the_mark_moving() -> None:
    state, demands = after(FRESH, Mark(5), Refused(LANE, 9))

    assert demands == [Reread(LANE)]
    assert after(state, Mark(5), Tick(at_end=False))[1] == []
    assert [type(demand) for demand in after(state, Mark(5), Tick(at_end=True))[1]] == [HaltGroup]


def test_a_loss_that_the_log_could_heal_stops_nobody() -> None:
    state, _ = after(FRESH, Mark(5), Refused(LANE, 9))
    read_on, _ = after(state, Mark(6), Progress())

    assert after(read_on, Mark(6), Tick(at_end=True))[1] == []
    assert after(state, Mark(6), Tick(at_end=True))[1] == []  # moved by another member meanwhile
