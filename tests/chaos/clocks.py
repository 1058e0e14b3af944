"""R22: services whose clocks are ten minutes apart, around leap days and changes of clocks."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from deploy.demo.bodies import shopify_order
from deploy.demo.deliveries import Delivery
from deploy.demo.households import Basket, Line
from libs.kernel.identifiers import derived_id
from tests.chaos.arena import Arena, opened
from tests.chaos.http_line import Line as Connection
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.processes import replaced
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_AHEAD = {"order_ingest": 600, "segmentation": 1200, "messaging": 600}  # seconds; loyalty has the callers' clock
_DAY = timedelta(days=1)
_DOMAIN, _SECRET = "clocks.myshopify.com", "shpss_clocks_0123456789"
_LEAP_AND_DST = (
    "2024-02-28T23:30:00+00:00",
    "2024-02-29T12:00:00+00:00",
    "2026-03-08T06:59:00+00:00",  # New York goes to summer time a minute later
    "2026-03-29T00:30:00+00:00",  # Berlin half an hour later
    "2026-11-01T05:30:00+00:00",  # the hour that New York has twice
)
_FROM_NOW = (-300, 25, 300, 540)  # seconds until points die: dead, within the run, and only for clocks that are ahead
_LAST_DEATH_SECONDS = 25
_EXPIRED = """
SELECT order_id, points, occurred_at, created_at FROM txn WHERE kind = 'expire' AND order_id IS NOT NULL
"""
_EARNED = "SELECT order_id, points FROM txn WHERE kind = 'earn'"


@dataclass(frozen=True, slots=True)
class _Purchase:
    number: int
    at: datetime

    @property
    def body(self) -> bytes:
        line = Line(
            product_id=1,
            title="Thing",
            brand=None,
            category_path=(),
            quantity=1,
            unit_price_minor=700 * self.number,
            discount_minor=0,
            total_minor=700 * self.number,
        )
        basket = Basket(
            basket_id=self.number, household_id=self.number, placed_at=self.at, lines=(line,), is_first=True
        )
        return json.dumps({**shopify_order(basket), "currency": "EUR"}).encode()


async def r22(bus: str, seed: int, size: Size) -> Report:
    """Clocks ten minutes apart: no point dies early, and only webhooks with a signed time are refused."""
    async with opened(bus) as arena, AsyncExitStack() as exits:
        for service, ahead in _AHEAD.items():
            for process in ("api", "worker"):
                setting = {"CLOCK_AHEAD_SECONDS": str(ahead)}
                await exits.enter_async_context(replaced(arena, service, process, settings=setting))
        store_id, path = await _shopify_store(arena)
        await _points_live_a_day(arena)
        began = datetime.now(UTC)
        instants = [datetime.fromisoformat(text) for text in _LEAP_AND_DST]
        instants += [began - _DAY + timedelta(seconds=seconds) for seconds in _FROM_NOW]
        purchases = {
            derived_id(store_id, "order", str(number)): _Purchase(number, at)
            for number, at in enumerate(instants, start=1)
        }
        refused = await _told(arena, path, list(purchases.values()))
        await asyncio.sleep(max(0.0, _LAST_DEATH_SECONDS - (datetime.now(UTC) - began).total_seconds()))
        drained = await arena.drain(within_seconds=HEAL_SECONDS)
        dead, late = await _dead(arena, purchases, within_seconds=HEAL_SECONDS)
        standard = await _standard_answers(arena, seed)
        failures = [*refused, *await _judged(arena, purchases), *standard]
        return Report(
            "R22 clocks apart",
            {"clocks off": len(_AHEAD), "purchases": len(purchases), "signed times ten minutes off": 1},
            {"points expired in time": dead},
            None,
            drained,
            {"purchases not expired in time": Measured(late, 0, "")},
            failures,
        )


async def _shopify_store(arena: Arena) -> tuple[UUID, str]:
    wanted = {
        "platform": "shopify",
        "account": "clocks",
        "domain": _DOMAIN,
        "currency": "EUR",
        "time_zone": "America/New_York",
        "return_window_days": 0,
        "secret": _SECRET,
    }
    store = (await arena.apis["order_ingest"].post("/v1/stores", wanted, key="shopify")).json()
    return UUID(store["store_id"]), urlsplit(store["hook_url"]).path


async def _points_live_a_day(arena: Arena) -> None:
    """The programme's points die 24 hours after they are usable, whenever the order was."""
    loyalty = arena.apis["loyalty"]
    path = f"/v1/programmes/{(await loyalty.get('/v1/programmes'))['items'][0]['programme_id']}/versions"
    for effective_at in ("2023-01-01T00:00:00Z", "2025-12-02T00:00:00Z"):
        rules = {"effective_at": effective_at, "expires_after_days": 1}
        draft = (await loyalty.post(path, rules, key=f"draft-{effective_at}")).json()
        await loyalty.post(f"{path}/{draft['number']}/publication", {}, key=f"publish-{effective_at}")


async def _told(arena: Arena, path: str, purchases: Sequence[_Purchase]) -> list[str]:
    """What the hook said of webhooks that carry no signed time, other than that it took them."""
    address, complaints = urlsplit(arena.hook.url), []
    line = Connection(address.hostname or "", address.port or 80)
    for purchase in purchases:
        delivery = Delivery(
            at=purchase.at,
            household_id=purchase.number,
            topic="orders/paid",
            body=purchase.body,
            webhook_id=f"clocks-{purchase.number}",
        )
        answer = await line.post(path, delivery.headers(domain=_DOMAIN, secret=_SECRET), delivery.body)
        if not answer.is_success:
            complaints.append(f"the webhook of {purchase.at} was answered {answer.status}")
    line.close()
    return complaints


async def _standard_answers(arena: Arena, seed: int) -> list[str]:
    """A signed time is judged by the clock of the one who reads it: ours is refused, one of its own is taken."""
    address, delivery = urlsplit(arena.hook.url), next(Shop(seed, orders=1, prefix="R22-").deliveries())
    line, now = Connection(address.hostname or "", address.port or 80), int(datetime.now(UTC).timestamp())
    answers = [
        (await line.post(address.path, arena.hook.headers(delivery, at), delivery.body)).status
        for at in (now, now + _AHEAD["order_ingest"])
    ]
    line.close()
    return [] if answers == [401, 200] else [f"Standard webhooks of {now} and ten minutes later: {answers}"]


def _due(purchases: Mapping[UUID, _Purchase]) -> int:
    return sum(purchase.at + _DAY <= datetime.now(UTC) for purchase in purchases.values())


async def _dead(arena: Arena, purchases: Mapping[UUID, _Purchase], *, within_seconds: float) -> tuple[int, int]:
    """How many purchases' points have expired and how many still should, once none should, or time is up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    async with arena.admin("loyalty") as connection:
        while True:
            due = _due(purchases)  # before the look: what falls due meanwhile is not late
            dead = len(await connection.fetch(_EXPIRED))
            if dead >= due or loop.time() > deadline:
                return dead, max(0, due - dead)
            await asyncio.sleep(0.2)


async def _judged(arena: Arena, purchases: Mapping[UUID, _Purchase]) -> list[str]:
    """Each purchase earned its points, and lost them 24 hours after it to the second, never before."""
    complaints = []
    async with arena.admin("loyalty") as connection:
        earned = {row["order_id"]: row["points"] for row in await connection.fetch(_EARNED)}
        expired = await connection.fetch(_EXPIRED)
    for order_id, purchase in purchases.items():
        if earned.get(order_id) != 7 * purchase.number:
            complaints.append(f"the purchase of {purchase.at} earned {earned.get(order_id)}")
    for row in expired:
        dies_at = purchases[row["order_id"]].at + _DAY
        if row["occurred_at"] != dies_at or row["created_at"] < dies_at:
            complaints.append(f"points due {dies_at} expired {row['occurred_at']}, written at {row['created_at']}")
    proof = await arena.apis["loyalty"].get("/v1/ledger/proof")
    return complaints + [f"{each['invariant']}" for each in proof["findings"] if each["violations"]]
