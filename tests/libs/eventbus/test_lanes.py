"""Lanes and chains never change: marks and numbers already stored depend on them."""

from uuid import UUID

from libs.eventbus.lanes import CHAIN_START, EPOCH_BITS, LANES, chain_next, epoch_of, lane_of

FIRST = UUID("018f0000-0000-7000-8000-000000000001")
SECOND = UUID("018f0000-0000-7000-8000-000000000002")


def test_there_are_64_lanes_for_ever() -> None:
    assert LANES == 64


def test_a_key_keeps_its_lane_across_processes_and_versions() -> None:
    key = "018f0000-0000-7000-8000-00000000000a:018f0000-0000-7000-8000-00000000000b"

    assert lane_of(key) == 10


def test_many_keys_use_every_lane() -> None:
    assert {lane_of(f"merchant:{number}") for number in range(2000)} == set(range(LANES))


def test_the_chain_is_16_bytes_and_never_changes() -> None:
    assert chain_next(CHAIN_START, FIRST).hex() == "152d9330b249afc823b792e0f86125e5"


def test_the_same_events_in_another_order_have_another_chain() -> None:
    one = chain_next(chain_next(CHAIN_START, FIRST), SECOND)
    other = chain_next(chain_next(CHAIN_START, SECOND), FIRST)

    assert one != other


def test_the_same_event_behind_another_predecessor_has_another_chain() -> None:
    assert chain_next(CHAIN_START, SECOND) != chain_next(chain_next(CHAIN_START, FIRST), SECOND)


def test_sequences_alone_order_epochs() -> None:
    last_of_first_epoch = (1 << EPOCH_BITS) - 1

    assert (epoch_of(1), epoch_of(last_of_first_epoch), epoch_of(last_of_first_epoch + 1)) == (0, 0, 1)
