"""Many workers on few accounts, with every third fact told twice: the ledger stays whole."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from itertools import permutations
from typing import Any
from uuid import uuid4

from sqlalchemy.exc import DBAPIError

from deploy.local.databases import ServiceUrls
from libs.contracts.envelope import Event
from libs.servicekit.problems import is_transient
from services.loyalty.adapters.errors import ChangedMeanwhile
from services.loyalty.domain.entries import Header, entry_id
from services.loyalty.domain.errors import InsufficientPoints
from services.loyalty.domain.spending import spend
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.interleavings import merged_life
from tests.services.loyalty.stage import Stage, open_stage
from tests.services.loyalty.stored_world import transact

WORKERS = 16
ACCOUNTS = 40
COMMANDS = int(os.environ.get("LEDGER_COMMANDS", "800"))


async def test_sixteen_workers_and_doubled_delivery_break_nothing(
    service_urls: Callable[[str], Awaitable[ServiceUrls]],
) -> None:
    chosen = int(os.environ.get("LEDGER_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LEDGER_SEED={chosen}")
    chance = random.Random(chosen)
    stage = await open_stage(await service_urls("loyalty"), pool_size=WORKERS, now=START + 100 * DAY)
    tell = Facts(at=START)
    await stage.hear(tell.merchant())
    jobs = work(chance, tell)
    queue: asyncio.Queue[Callable[[Stage], Awaitable[None]]] = asyncio.Queue()
    for job in jobs:
        queue.put_nowait(job)
    retries = [0]

    async def worker() -> None:
        while not queue.empty():
            await surely(queue.get_nowait(), stage, retries)

    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(WORKERS):
            tasks.create_task(worker())
    rate = len(jobs) / (time.monotonic() - began)

    findings = {finding.name: finding.violations for finding in await stage.findings()}
    entries = await stage.rows("SELECT count(*) AS n FROM txn")
    await stage.close()
    print(f"{len(jobs)} commands, {entries[0]['n']} entries, {retries[0]} retries, {rate:.0f} a second")
    assert findings == dict.fromkeys(findings, 0)
    assert len(findings) == 12


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
