"""Which hooks are made anew, as plain calls."""

from datetime import UTC, datetime, timedelta
from typing import Final

from services.order_ingest.domain.restoring import MOST_KNOWN, Hooks, Known, begun, end, in_question, judge

_START: Final = datetime(2026, 5, 1, tzinfo=UTC)
_ROUND: Final = timedelta(minutes=15)


def _heard(known: Known, hooks: Hooks, now: datetime, *delivered: str) -> Known:
    return judge(known, hooks, delivered=delivered, asked_at=now, now=now)


def _ended(known: Known, begun_at: datetime, failure: str | None = None) -> Known:
    return end(known, "a", begun_at=begun_at, failure=failure, now=begun_at)


def _restored() -> Known:
    """`a` was there, was deleted and was made anew at the start."""
    known = _heard(_heard({}, {"a": True, "b": True}, _START - _ROUND), {"b": True}, _START)
    return _ended(known, _START)


def test_what_was_never_there_is_not_made() -> None:
    assert begun(_heard({}, {"a": True}, _START), _START) == []
    assert begun(_heard({}, {}, _START), _START) == []


def test_what_was_there_and_is_missing_is_made() -> None:
    known = _heard({}, {"a": True, "b": True}, _START)

    assert begun(_heard(known, {"b": True}, _START + _ROUND), _START + _ROUND) == ["a"]


def test_it_is_begun_once_until_it_ends_or_six_hours_have_passed() -> None:
    known = _heard(_heard({}, {"a": True}, _START - _ROUND), {}, _START)
    begins = []
    for number in range(1, 26):
        now = _START + number * _ROUND
        known = _heard(known, {}, now)
        begins += [number] if begun(known, now) else []

    assert begins == [24]


def test_an_address_under_another_name_is_not_replaced_by_ours() -> None:
    known = _heard(_heard({}, {"a": False, "b": False}, _START), {"b": False}, _START + _ROUND)

    assert begun(known, _START + _ROUND) == []
    assert known["a"].begun_at is None


def test_another_hook_at_our_address_is_proof_enough() -> None:
    known = _heard({}, {"a": False, "b": True}, _START)

    assert begun(_heard(known, {"b": True}, _START + _ROUND), _START + _ROUND) == ["a"]


def test_gone_again_within_a_day_and_never_used_is_left_for_good() -> None:
    known = _restored()
    for days in (0, 1, 2, 30):
        now = _START + _ROUND + timedelta(days=days)
        known = _heard(known, {"b": True}, now)
        assert begun(known, now) == []

    assert "left so" in (known["a"].shown_failure or "")


def test_gone_again_within_a_day_after_use_is_made_again() -> None:
    now = _START + timedelta(hours=23)

    assert [hook.topic for hook in in_question(_restored(), {"b": True}, now)] == ["a"]
    assert begun(_heard(_restored(), {"b": True}, now, "a"), now) == ["a"]
    assert begun(_heard(_restored(), {"b": True}, now, "b"), now) == []


def test_gone_again_after_a_day_is_made_again() -> None:
    now = _START + timedelta(days=1)

    assert in_question(_restored(), {"b": True}, now) == []
    assert begun(_heard(_restored(), {"b": True}, now), now) == ["a"]


def test_a_hook_that_was_left_and_comes_back_is_made_anew_when_it_goes_later() -> None:
    left = _heard(_restored(), {"b": True}, _START + _ROUND)
    back = _heard(left, {"a": True, "b": True}, _START + 2 * _ROUND)
    now = _START + timedelta(days=2)

    assert (left["a"].is_left, back["a"].is_left) == (True, False)
    assert begun(_heard(back, {}, now), now) == ["a", "b"]


def test_an_answer_from_before_it_was_made_says_nothing() -> None:
    known = judge(_restored(), {"b": True}, delivered=(), asked_at=_START - _ROUND, now=_START + _ROUND)

    assert known == _restored()


def test_a_refusal_is_not_tried_again_for_a_day() -> None:
    known = _heard(_heard({}, {"a": True}, _START - _ROUND), {}, _START)
    refused = _ended(known, _START, "status 422")
    before, after = _START + timedelta(hours=23), _START + timedelta(days=1)

    assert begun(_heard(refused, {}, before), before) == []
    assert _heard(refused, {}, before)["a"].shown_failure == "status 422"
    assert begun(_heard(refused, {}, after), after) == ["a"]
    assert _heard(refused, {"a": True}, before)["a"].ended_at is None


def test_another_attempts_end_changes_nothing() -> None:
    known = _heard(_heard({}, {"a": True}, _START - _ROUND), {}, _START)

    assert _ended(known, _START - _ROUND) == known
    assert end({}, "a", begun_at=_START, failure=None, now=_START) == {}


def test_of_an_endless_list_so_much_is_known() -> None:
    many = {f"t{number}": True for number in range(3 * MOST_KNOWN)}
    known = _heard(_heard({}, many, _START), {}, _START + _ROUND)
    later = _heard(known, {f"u{number}": True for number in range(9)}, _START + 2 * _ROUND)

    assert len(begun(known, _START + _ROUND)) == len(known) == len(later) == MOST_KNOWN
