"""What an error says: an outage is never the event's fault, and a bug is never an outage."""

import random

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from libs.eventbus.errors import LaneNotSeeded, SourceRestored, TransientFailure
from libs.eventbus.failures import LONGEST_PAUSE_SECONDS, Backoff, classify
from libs.eventbus.words import Failure
from tests.libs.eventbus.bed import Bed


class Refused(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "08006", "53300", "57P01", "58030"])
def test_outages_and_lost_races_are_transient(sqlstate: str) -> None:
    assert classify(DBAPIError("SELECT", {}, Refused(sqlstate))) is Failure.TRANSIENT


@pytest.mark.parametrize("error", [ConnectionResetError(), OSError("no route"), TransientFailure("later")])
def test_what_the_network_does_is_transient(error: Exception) -> None:
    assert classify(error) is Failure.TRANSIENT


@pytest.mark.parametrize("error", [SourceRestored("start a new epoch"), LaneNotSeeded("no counter")])
def test_a_database_from_which_nothing_can_be_told_is_no_events_fault(error: Exception) -> None:
    assert classify(error) is Failure.TRANSIENT


def test_a_closed_connection_is_transient() -> None:
    assert classify(asyncpg.InterfaceError("connection is closed")) is Failure.TRANSIENT


@pytest.mark.parametrize("error", [TimeoutError(), Refused("57014"), Refused("25P04")])
def test_time_limits_are_timeouts(error: Exception) -> None:
    assert classify(error) is Failure.TIMEOUT


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyError("x"), Refused("23505"), Refused("22P02"), Refused("P0001")]
)
def test_everything_else_is_permanent(error: Exception) -> None:
    assert classify(error) is Failure.PERMANENT


def test_the_cause_of_an_error_tells_its_kind() -> None:
    error = RuntimeError("could not load")
    error.__cause__ = ConnectionRefusedError()

    assert classify(error) is Failure.TRANSIENT


def test_pauses_grow_with_full_jitter_up_to_the_longest() -> None:
    backoff = Backoff(random.Random(7))
    longest = [max(backoff.seconds(failures) for _ in range(300)) for failures in (1, 3, 50)]

    assert 0.15 < longest[0] <= 0.2
    assert 0.6 < longest[1] <= 0.8
    assert 0.8 * LONGEST_PAUSE_SECONDS < longest[2] <= LONGEST_PAUSE_SECONDS


async def test_a_statement_that_the_database_cuts_short_is_a_timeout(bed: Bed) -> None:
    with pytest.raises(DBAPIError) as caught:
        await _sleep_too_long(bed)

    assert classify(caught.value) is Failure.TIMEOUT


async def _sleep_too_long(bed: Bed) -> None:
    async with bed.begin() as work:
        await work.connection.exec_driver_sql("SET LOCAL statement_timeout = '10ms'")
        await work.connection.exec_driver_sql("SELECT pg_sleep(5)")
