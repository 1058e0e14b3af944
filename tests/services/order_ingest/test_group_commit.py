"""Commits keep a distance while little waits, and none while much does or nothing did."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.order_ingest.adapters import group_commit
from services.order_ingest.adapters.group_commit import ENOUGH, GroupCommit

_LONG = 0.5


@pytest.fixture(autouse=True)
def _far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough that no machine is too slow for it."""
    monkeypatch.setattr(group_commit, "SECONDS_APART", _LONG)


@asynccontextmanager
async def _running(writers: int = 1) -> AsyncIterator[tuple[GroupCommit[int], list[Sequence[int]], asyncio.Event]]:
    commits: list[Sequence[int]] = []

    async def write(items: Sequence[int]) -> None:
        commits.append(items)
        await asyncio.sleep(0)

    group, stop = GroupCommit[int]([write] * writers, most_waiting=1000, most_bytes=1000), asyncio.Event()
    running = asyncio.create_task(group.run(stop))
    try:
        yield group, commits, stop
    finally:
        stop.set()
        await running


@pytest.mark.parametrize("writers", [1, 2])
async def test_the_first_is_committed_at_once_and_what_follows_soon_shares_the_next(writers: int) -> None:
    async with _running(writers) as (group, commits, _), asyncio.timeout(10 * _LONG):
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        await group.put(1, 1)
        assert asyncio.get_running_loop().time() - began < _LONG
        await asyncio.gather(group.put(2, 1), group.put(3, 1))
        assert asyncio.get_running_loop().time() - began >= _LONG

    assert commits == [[1], [2, 3]]


async def test_enough_is_committed_without_waiting() -> None:
    async with _running() as (group, commits, _):
        await group.put(0, 1)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(group.put(number, 1) for number in range(ENOUGH)))
        assert asyncio.get_running_loop().time() - began < _LONG

    assert [len(each) for each in commits] == [1, ENOUGH]


async def test_what_waits_at_the_stop_is_committed() -> None:
    async with _running() as (group, commits, stop):
        await group.put(0, 1)
        last = asyncio.create_task(group.put(1, 1))
        await asyncio.sleep(0)
        stop.set()
        await last

    assert commits == [[0], [1]]
