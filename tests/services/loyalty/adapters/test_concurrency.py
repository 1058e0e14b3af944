"""Many workers on few accounts, with every third fact told twice: the ledger stays whole."""

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import permutations
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple
from uuid import uuid4

import uvloop
from sqlalchemy.exc import DBAPIError

from deploy.local.databases import ServiceUrls
from libs.contracts.envelope import Event
from libs.servicekit.problems import is_transient
from libs.servicekit.process import tune_garbage_collection
from services.loyalty.adapters.errors import ChangedMeanwhile
from services.loyalty.domain.entries import Header, entry_id
from services.loyalty.domain.errors import InsufficientPoints
from services.loyalty.domain.spending import spend
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.interleavings import merged_life
from tests.services.loyalty.stage import Stage, open_stage
from tests.services.loyalty.stored_world import transact

WORKERS = 16
PROCESSES = 2
"""As many as a small machine has cores: workers of one process would wait for each other's Python."""
ACCOUNTS = 40
COMMANDS = int(os.environ.get("LEDGER_COMMANDS", "800"))


class Worked(NamedTuple):
    """What one process did; instants of the machine's steady clock."""

    began: float
    ended: float
    retries: int


async def test_sixteen_workers_and_doubled_delivery_break_nothing(
    service_urls: Callable[[str], Awaitable[ServiceUrls]],
) -> None:
    chosen = int(os.environ.get("LEDGER_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LEDGER_SEED={chosen}")
    urls = await service_urls("loyalty")
    stage = await open_stage(urls, now=START + 100 * DAY)
    await stage.hear(Facts(at=START).merchant())

    done = await _in_processes(urls, chosen)

    jobs = work(random.Random(chosen), _after_the_merchant())
    rate = len(jobs) / (max(each.ended for each in done) - min(each.began for each in done))
    findings = {finding.name: finding.violations for finding in await stage.findings()}
    entries = await stage.rows("SELECT count(*) AS n FROM txn")
    await stage.close()
    retries = sum(each.retries for each in done)
    print(f"{len(jobs)} commands, {entries[0]['n']} entries, {retries} retries, {rate:.0f} a second")
    assert findings == dict.fromkeys(findings, 0)
    assert len(findings) == 12
    assert entries[0]["n"] > COMMANDS // 4


async def _in_processes(urls: ServiceUrls, seed: int) -> Sequence[Worked]:
    context = get_context("spawn")
    ready = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=_meet_at, initargs=(ready,)) as pool:
        loop = asyncio.get_running_loop()
        parts = (loop.run_in_executor(pool, _work_part, urls, seed, part) for part in range(PROCESSES))
        return await asyncio.gather(*parts)


_barrier: Barrier


def _meet_at(barrier: Barrier) -> None:
    global _barrier  # how a pool hands over what cannot be sent with a call
    _barrier = barrier


def _work_part(urls: ServiceUrls, seed: int, part: int) -> Worked:
    """Every so manieth of the commands is carried out by this process's share of the workers."""
    tune_garbage_collection()  # as every process of the product does
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_work(urls, work(random.Random(seed), _after_the_merchant())[part::PROCESSES]))


async def _work(urls: ServiceUrls, jobs: Sequence[Callable[[Stage], Awaitable[None]]]) -> Worked:
    workers, retries = WORKERS // PROCESSES, [0]
    stage = await open_stage(urls, pool_size=workers, now=START + 100 * DAY)
    queue = deque(jobs)

    async def worker() -> None:
        while queue:
            await surely(queue.popleft(), stage, retries)

    await asyncio.to_thread(_barrier.wait, 60)
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            tasks.create_task(worker())
    ended = time.monotonic()
    await stage.close()
    return Worked(began, ended, retries[0])


def _after_the_merchant() -> Facts:
    """Facts that go on where the merchant's registration was told."""
    tell = Facts(at=START)
    tell.merchant()
    return tell


def work(chance: random.Random, tell: Facts) -> list[Callable[[Stage], Awaitable[None]]]:
    """Orders, refunds, cancellations and redemptions of random members; 30 % come twice, at another time."""
    jobs: list[Callable[[Stage], Awaitable[None]]] = []
    for number in range(COMMANDS):
        customer, order = f"c{chance.randrange(ACCOUNTS)}", f"o{number}"
        match chance.randrange(5):
            case 0 | 1:
                job = hearing(tell.placed(customer, order, chance.randrange(100, 9_000)), tell.paid(customer, order))
            case 2:
                job = hearing(tell.refunded(customer, f"o{chance.randrange(number + 1)}", chance.randrange(1, 5_000)))
            case 3:
                job = hearing(tell.cancelled(customer, f"o{chance.randrange(number + 1)}"))
            case _:
                job = redeeming(customer, f"redeem:{number}", chance.randrange(1, 40))
        jobs += [job] * (2 if chance.random() < 0.3 else 1)
    chance.shuffle(jobs)
    return jobs


def hearing(*events: Event[Any]) -> Callable[[Stage], Awaitable[None]]:
    return lambda stage: stage.hear(*events)


def redeeming(customer: str, key: str, points: int) -> Callable[[Stage], Awaitable[None]]:
    async def redeem(stage: Stage) -> None:
        merchant_id = Facts().merchant_id

        def once(workspace: Any, member: Any) -> None:
            if entry_id(merchant_id, key) not in workspace.done:
                spend(member.book, Header(key=key, at=workspace.now), points=points)

        try:
            await transact(stage, merchant_id, customer, once, keys=[key])
        except InsufficientPoints:
            return

    return redeem


async def surely(job: Callable[[Stage], Awaitable[None]], stage: Stage, retries: list[int]) -> None:
    """The job is done; what the bus would retry is retried, anything else fails the test."""
    while True:
        try:
            return await job(stage)
        except ChangedMeanwhile:
            retries[0] += 1
        except DBAPIError as error:
            if not is_transient(error):
                raise
            retries[0] += 1


async def test_a_merge_and_a_refund_in_two_lanes_at_once_end_the_same(stage: Stage) -> None:
    """The two lanes are folded by two workers at the same time, in every order of starting."""
    ends = []
    for first, second in permutations([0, 1]):
        for split in (1, 2, 3):
            tell = Facts(merchant_id=uuid4())
            told = merged_life(tell)
            await stage.hear(tell.merchant(at=START))
            lanes = [told[:3], told[3:]]
            await stage.hear(*lanes[0][:split])
            rest = [lanes[0][split:], lanes[1]]
            jobs = (surely(hearing(*rest[place]), stage, [0]) for place in (first, second) if rest[place])
            await asyncio.gather(*jobs)
            assert await stage.broken(of=tell.merchant_id) == []
            ends.append(await stage.balance("b", of=tell.merchant_id))

    assert [(end.usable, end.pending, end.debt) for end in ends] == [(75, 0, 0)] * len(ends)
