"""Records behind their lane's mark are told by their headers alone, and only where the whole judgement drops them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.envelope import Envelope, Position, to_headers
from libs.eventbus import batch
from libs.eventbus.arrivals import Arrival, is_behind, read
from libs.eventbus.lanes import EPOCH_BITS
from libs.eventbus.port import Arrived, Partition
from libs.eventbus.words import Lane, Mark

SOURCE, TOPIC = "order_ingest", "orders"
SOURCES = {TOPIC: SOURCE}
LANE = Lane(SOURCE, TOPIC, 3)
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_PLACE = Position(SOURCE, TOPIC, LANE.number, 5, bytes(16))

sequences = st.builds(lambda epoch, at: (epoch << EPOCH_BITS) + at, st.integers(0, 2), st.integers(1, 6))
chains = st.sampled_from([bytes(16), b"\x01" * 16])


def arrived(position: Position, other: Mapping[str, str] | None = None, *, opens: bool = False) -> Arrived:
    told = Envelope(UUID(int=1), position.source, "any.v1", "s", UUID(int=2), _AT, _AT, "live", "c")
    headers = {**to_headers(told, position), **(other or {})}
    if not opens:
        return Arrived(Partition(TOPIC, 3), 0, "key", headers, b"{}")
    ancestor = {"epoch": 0, "last_sequence": 1, "chain": "00" * 16}
    opening = {"source": SOURCE, "topic": TOPIC, "lane": 3, "epoch": 1, "lineage": [ancestor], "at": _AT.isoformat()}
    headers["ce_type"] = "epoch.started.v1"
    return Arrived(Partition(TOPIC, 3), 0, "key", headers, json.dumps(opening).encode())


@given(
    at=sequences,
    chain=chains,
    opens=st.booleans(),
    mark=st.builds(Mark, st.just(0) | sequences, st.none() | chains),
    halted=st.none() | st.integers(0, 3),
)
def test_what_is_behind_is_what_the_whole_judgement_drops_unseen(
    at: int, chain: bytes, opens: bool, mark: Mark, halted: int | None
) -> None:
    record = arrived(Position(SOURCE, TOPIC, LANE.number, at, chain), opens=opens)
    whole = read(record, SOURCES)
    assert isinstance(whole, Arrival)

    plan = batch.plan([whole], {LANE: mark}, {} if halted is None else {LANE: max(halted, mark.epoch)})

    if is_behind(record, SOURCES, {LANE: mark}):
        assert (plan.steps, plan.seen, plan.marks) == ((), (), {})
        assert plan.skipped == (halted is None)
    else:
        assert at >= mark.sequence


@pytest.mark.parametrize(
    "headers",
    [
        {"ce_source": "somebody"},
        {"ce_topic": "customers"},
        {"ce_lane": "four"},
        {"ce_lane": "4"},
        {"ce_sequence": ""},
        {"ce_sequence": "-5"},
        {"ce_sequence": "9"},
        {"ce_sequence": "10"},
    ],
    ids=str,
)
def test_a_record_that_may_be_anything_else_is_not_behind(headers: Mapping[str, str]) -> None:
    assert is_behind(arrived(_PLACE), SOURCES, {LANE: Mark(9)})
    assert not is_behind(arrived(_PLACE, headers), SOURCES, {LANE: Mark(9)})


@pytest.mark.parametrize("headers", [{}, {"ce_source": SOURCE}, {"ce_source": [1]}, {"ce_sequence": None}], ids=str)
def test_a_record_without_a_place_is_not_behind(headers: Mapping[str, str]) -> None:
    assert not is_behind(Arrived(Partition(TOPIC, 3), 0, "key", headers, b""), SOURCES, {LANE: Mark(9)})
