"""The runs. Each starts a stack, loads it, injures it, lets it heal, and hands the final state to the checker."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from deploy.local.ports import free_ports
from deploy.local.programs import service_program
from deploy.local.supervisor import Program
from libs.kernel.identifiers import derived_id
from tests.chaos import faults, replaying
from tests.chaos.arena import Arena, opened
from tests.chaos.books import Verdict, check
from tests.chaos.faults import Injected
from tests.chaos.meters import Meters, watched
from tests.chaos.poisoned import kills, raises
from tests.chaos.sender import Tally, send_all
from tests.chaos.shop import Shop

HEAL_SECONDS = 120.0


@dataclass(slots=True)
class Report:
    """One run's figures: what was injected, what was absorbed, what the checker says."""

    name: str
    injected: dict[str, int]
    absorbed: dict[str, int]
    verdict: Verdict
    drained_seconds: float
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        nothing_absorbed = not any(self.absorbed.values())
        nothing_injected = not all(self.injected.values())
        return self.verdict.is_clean and not self.failures and not nothing_absorbed and not nothing_injected


@dataclass(frozen=True, slots=True)
class Size:
    """How large a run is: orders, webhooks a second, seconds that a zombie sleeps."""

    orders: int
    per_second: float
    zombie_seconds: float


async def r1(seed: int, size: Size) -> Report:
    """kill -9 of workers at random while orders come in."""
    shop = Shop(seed, orders=size.orders, customers=200)
    tally, injected = Tally(), Injected()
    async with opened() as arena, watched(arena) as meters:
        every = size.orders * 2.15 / size.per_second / 11
        async with asyncio.TaskGroup() as group:
            group.create_task(send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally))
            group.create_task(faults.kill_randomly(arena, random.Random(seed), injected, times=10, every=every))
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        report = Report(
            "R1 kill -9",
            {
                "kills": injected.kills,
                "in an open transaction": injected.in_open_transaction,
                "between append and cursor": injected.between_append_and_cursor,
            },
            {"duplicates": _total(meters, "duplicates"), "restarts": sum(arena.stack.supervisor.restarts().values())},
            await check(arena, shop.orders),
            drained,
        )
    if drained > 30:
        report.failures.append(f"drained {drained:.0f} s after the last webhook, 30 s allowed")
    return report


async def r3(seed: int, size: Size) -> Report:
    """The database server loses its memory under load."""
    shop = Shop(seed, orders=size.orders, customers=200)
    tally = Tally()
    async with opened() as arena, watched(arena) as meters:
        sending = asyncio.create_task(send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally))
        await asyncio.sleep(size.orders * 2.15 / size.per_second / 2)
        await faults.crash_postgres(arena)
        await _postgres_answers(arena)
        ready = await arena.ready(within_seconds=60)
        await sending
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        restarts = arena.stack.supervisor.restarts()
        died = sum(count for name, count in restarts.items() if name != "postgres")
        refused = sum(tally.refused.values())
        report = Report(
            "R3 immediate stop of PostgreSQL",
            {"server crashes": restarts["postgres"]},
            {"webhooks sent again": refused, "batches tried again": _total(meters, "retries")},
            await check(arena, shop.orders),
            drained,
        )
    if died:
        report.failures.append(f"{died} processes had to be restarted: they must live through it")
    if ready > 10:
        report.failures.append(f"ready {ready:.1f} s after the server was back, 10 s allowed")
    return report


async def r4(seed: int, size: Size) -> Report:
    """Two relays of every source at once, on purpose."""
    shop = Shop(seed, orders=size.orders, customers=200)
    tally = Tally()
    async with opened() as arena, watched(arena) as meters, AsyncExitStack() as rogues:
        for service in arena.stack.urls:
            await rogues.enter_async_context(_rogue(arena, service))
        await send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        return Report(
            "R4 two relays",
            {"second relays": len(arena.stack.urls)},
            {"duplicates": _total(meters, "duplicates")},
            await check(arena, shop.orders),
            drained,
        )


async def r5(seed: int, size: Size) -> Report:
    """The bus forgets everything, twice."""
    shop = Shop(seed, orders=size.orders, customers=200)
    tally, wiped = Tally(), []
    async with opened() as arena, watched(arena) as meters:
        sending = asyncio.create_task(send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally))
        for _ in range(2):
            await asyncio.sleep(size.orders * 2.15 / size.per_second / 3)
            wiped.append(await faults.wipe_bus(arena))
        await sending
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        report = Report(
            "R5 bus wiped",
            {"wipes": len(wiped), "records wiped": sum(wiped)},
            {"out of order": _total(meters, "out_of_order"), "rewinds": _total(meters, "rewinds")},
            await check(arena, shop.orders),
            drained,
        )
    if drained > 60:
        report.failures.append(f"healed in {drained:.0f} s, 60 s allowed")
    return report


async def r8(seed: int, size: Size) -> Report:
    """A consumer stands still, another takes over, the first wakes up as a zombie."""
    shop = Shop(seed, orders=size.orders, customers=200)
    tally = Tally()
    async with opened() as arena, watched(arena) as meters:
        await _second_worker(arena, "loyalty")
        sending = asyncio.create_task(send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally))
        await asyncio.sleep(3)
        frozen = asyncio.create_task(faults.freeze(arena, "loyalty", size.zombie_seconds))
        recovered = await _recovery(arena, within_seconds=size.zombie_seconds)
        applied = await _applied(arena)
        await asyncio.gather(frozen, sending)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        report = Report(
            "R8 zombie consumer",
            {"seconds asleep": int(size.zombie_seconds)},
            {"events applied by the other": applied, "duplicates": _total(meters, "duplicates")},
            await check(arena, shop.orders),
            drained,
        )
    if recovered is None or recovered > 30:
        report.failures.append(f"the group went on after {recovered} s, 30 s allowed")
    return report


async def r10(seed: int, size: Size) -> Report:
    """A bad version: some orders raise, some kill the process. Then the fix, and a replay."""
    shop = Shop(seed, orders=max(1100, size.orders // 4), customers=400)
    tally = Tally()
    async with opened() as arena, watched(arena):
        supervisor = arena.stack.supervisor
        await supervisor.halt("loyalty-worker")
        await supervisor.start([_poisoned(arena)])
        await send_all(arena.hook, shop.deliveries(), per_second=size.per_second, tally=tally)
        await replaying.all_read(arena, within_seconds=300)
        deaths = supervisor.restarts()["loyalty-worker-poisoned"]
        parked = await replaying.parked_subjects(arena)
        await supervisor.halt("loyalty-worker-poisoned")
        await supervisor.resume("loyalty-worker")
        replayed = await replaying.replay_all(arena, within_seconds=120)
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        report = Report(
            "R10 poison",
            {"raising": _count(shop, raises), "killing": _count(shop, kills), "deaths": deaths},
            {"subjects parked": len(parked), "subjects replayed": replayed},
            await check(arena, shop.orders),
            drained,
        )
        poisoned = await replaying.digest(arena.stack.databases.services["loyalty"].worker)
        clean = await replaying.clean_digest(arena, within_seconds=120)
        report.failures += _poison_failures(arena, shop, parked, deaths)
        if poisoned != clean:
            report.failures.append(f"ledger hash {poisoned}, of a clean run {clean}")
    return report


RUNS: Mapping[str, Callable[[int, Size], Awaitable[Report]]] = {
    "R1": r1,
    "R3": r3,
    "R4": r4,
    "R5": r5,
    "R8": r8,
    "R10": r10,
}


def _total(meters: Meters, name: str) -> int:
    return meters.total(f"eventbus_{name}_total")


def _count(shop: Shop, is_poison: Callable[[str], bool]) -> int:
    return sum(is_poison(order_id) for order_id in shop.orders)


def _poison_failures(arena: Arena, shop: Shop, parked: set[str], deaths: int) -> list[str]:
    """Only the customers of poisonous orders were parked, and each killer killed five times at the most."""
    ids = [order.customer for order in shop.orders.values() if raises(order.order_id) or kills(order.order_id)]
    expected = {f"{arena.merchant_id}:{derived_id(arena.store_id, 'customer', customer)}" for customer in ids}
    failures = []
    if parked != expected:
        failures.append(f"parked {len(parked)} subjects, {len(parked ^ expected)} of them other than expected")
    if deaths > 5 * _count(shop, kills):
        failures.append(f"{deaths} deaths of {_count(shop, kills)} killers, 5 each allowed")
    return failures


async def _postgres_answers(arena: Arena) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with arena.admin("loyalty"):
                    return
            except Exception:  # whatever a starting server says, it is not there yet
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _rogue(arena: Arena, service: str) -> AsyncIterator[None]:
    """A second relay of the service's source, for as long as the block lasts."""
    url = arena.stack.databases.services[service].worker
    arguments = (service.replace("_", "-"), url, arena.stack.bus_url)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.chaos.rogue_relay", *arguments)
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def _second_worker(arena: Arena, service: str) -> None:
    port = free_ports().smtp
    environment = {**arena.stack.environment(service, "worker"), "WORKER_HTTP_PORT": str(port), "INSTANCE": "1"}
    program = service_program(service, "worker", environment, health_port=port)
    await arena.stack.supervisor.start([replace(program, name=f"{program.name}-2")])


def _poisoned(arena: Arena) -> Program:
    port = arena.stack.ports.workers["loyalty"]
    program = service_program("loyalty", "worker", arena.stack.environment("loyalty", "worker"), health_port=port)
    command = (sys.executable, "-m", "tests.chaos.poisoned", "worker")
    return replace(program, name="loyalty-worker-poisoned", command=command)


async def _applied(arena: Arena) -> int:
    async with arena.admin("loyalty") as connection:
        return int(await connection.fetchval("SELECT sum(last_seq) FROM inbox_lane"))


async def _recovery(arena: Arena, *, within_seconds: float) -> float | None:
    """Seconds from now until every lane that is behind has moved; None if they did not in time."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.sleep(1)
    async with arena.admin("loyalty") as connection:
        before = dict(await connection.fetch("SELECT lane, last_seq FROM inbox_lane WHERE topic = 'commerce'"))
        async with arena.admin("order_ingest") as source:
            heads = dict(await source.fetch("SELECT lane, next_seq - 1 FROM outbox_lane WHERE topic = 'commerce'"))
        while loop.time() - began < within_seconds:
            now = dict(await connection.fetch("SELECT lane, last_seq FROM inbox_lane WHERE topic = 'commerce'"))
            if all(now[lane] >= heads[lane] for lane in before):
                return loop.time() - began
            await asyncio.sleep(0.25)
    return None
