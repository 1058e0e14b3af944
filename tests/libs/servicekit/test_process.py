"""Tasks of one process live and die together."""

import asyncio
import gc
import signal

import pytest

from libs.servicekit.errors import ProcessFailure
from libs.servicekit.process import Stop, run_process


async def _until_stopped(stop: Stop) -> None:
    await stop.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_every_task_finish(number: signal.Signals) -> None:
    finished = list[str]()

    async def worker(stop: Stop) -> None:
        await stop.wait()
        finished.append("worker")

    async def asks(stop: Stop) -> None:
        signal.raise_signal(number)
        await stop.wait()
        finished.append("asks")

    await run_process({"worker": worker, "asks": asks})

    assert sorted(finished) == ["asks", "worker"]


async def test_one_failure_ends_all() -> None:
    cancelled = asyncio.Event()

    async def bystander(stop: Stop) -> None:
        try:
            await stop.wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def fails(stop: Stop) -> None:
        raise RuntimeError("boom")

    with pytest.raises(ExceptionGroup) as crashed:
        await run_process({"bystander": bystander, "fails": fails})

    assert crashed.group_contains(RuntimeError, match="boom")
    assert cancelled.is_set()


async def test_a_task_that_just_ends_is_a_failure() -> None:
    async def ends(stop: Stop) -> None:
        return

    with pytest.raises(ExceptionGroup) as crashed:
        await run_process({"ends": ends, "stays": _until_stopped})

    assert crashed.group_contains(ProcessFailure, match="task ends")


async def test_who_does_not_finish_in_time_is_cancelled() -> None:
    stop, cancelled = Stop(), asyncio.Event()

    async def stubborn(stop: Stop) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    stop.set()
    await run_process({"stubborn": stubborn}, drain_seconds=0.01, stop=stop)

    assert cancelled.is_set()


async def test_a_failure_while_draining_is_not_hidden() -> None:
    stop = Stop()

    async def fails_late(stop: Stop) -> None:
        await stop.wait()
        raise RuntimeError("late")

    stop.set()
    with pytest.raises(ExceptionGroup) as crashed:
        await run_process({"fails_late": fails_late, "other": _until_stopped}, stop=stop)

    assert crashed.group_contains(RuntimeError, match="late")


async def test_what_exists_at_the_start_is_out_of_the_collectors_way() -> None:
    stop = Stop()
    stop.set()
    await run_process({"task": _until_stopped}, stop=stop)

    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == (50_000, 20, 100)
