"""What is refused at a store's hook is counted for its seller, at a bounded price, whatever happens to the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from libs.servicekit.database import Database, create_engine
from libs.servicekit.health import Health
from libs.servicekit.rate_limit import Buckets
from services.order_ingest.adapters import hook_refusals
from services.order_ingest.adapters.hook_refusals import MOST_COUNTED, HookRefusals, forget_refusals
from services.order_ingest.application.accept_delivery import HookStore
from services.order_ingest.bootstrap import api
from services.order_ingest.entrypoints.webhooks import BODY_LIMIT, Hooks
from tests.chaos.proxy import Mode, proxied, through
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House, Shop, settings_of

_BODY: Final = bodies.encoded(bodies.order())
_FORGED: Final = bodies.shopify_headers(_BODY, topic="orders/create", webhook_id="w", secret="another")
_ADDED: Final = "SELECT hook_refused($1, $2, $3, $4, $5)"


async def _refused(house: House, shop: Shop) -> Any:
    """What the store's health says of it, once all is put away."""
    await house.refusals.write()
    return (await house.get(shop, f"/v1/stores/{shop.store_id}/health"))["refused_7d"]


async def _forge(house: House, shop: Shop, times: int = 1) -> None:
    answers = [await house.client.post(shop.path, content=_BODY, headers=_FORGED) for _ in range(times)]
    assert [answer.status_code for answer in answers] == [401] * times


def _shown(reason: str, count: int, at: datetime) -> dict[str, Any]:
    return {"reason": reason, "count": count, "last_at": at.isoformat().replace("+00:00", "Z")}


def _store(number: int) -> HookStore:
    return HookStore(
        merchant_no=1, store_no=number, store_id=UUID(int=number), platform="shopify", domain=None, lane=0, secrets=()
    )


@asynccontextmanager
async def _counting(house: House, url: str | None = None) -> AsyncIterator[HookRefusals]:
    """What another process of the API counts in."""
    engine = create_engine(url or house.urls.intake or "", "intake", pool_size=2)
    database = Database(engine, source="order-ingest", clock=house.clock)
    try:
        yield HookRefusals(database, house.clock)
    finally:
        await database.close()


async def test_forged_deliveries_are_shown_at_their_store_and_genuine_ones_are_not(house: House) -> None:
    shop, other = await house.shop(), await house.shop()
    await house.deliver(shop, "orders/create", _BODY)
    none = await _refused(house, shop)

    await _forge(house, shop)
    first_at = house.clock.now()
    one = await _refused(house, shop)
    house.clock.advance(timedelta(seconds=1))
    await _forge(house, shop, times=10)
    eleven = await _refused(house, shop)

    assert none == []
    assert one == [_shown("signature", 1, first_at)]
    assert eleven == [_shown("signature", 11, house.clock.now())]
    assert await _refused(house, other) == []


async def test_a_ping_is_nothing_that_was_refused(house: House) -> None:
    shop = await house.shop("woocommerce")

    answer = await house.client.post(shop.path, content=b"webhook_id=7")

    assert answer.status_code == 200
    assert await _refused(house, shop) == []


async def test_of_days_the_last_seven_are_shown_and_thirty_kept(house: House) -> None:
    shop = await house.shop()
    house.clock.advance(_until_noon(house.clock.now()))
    began = house.clock.now().date()
    for _ in range(31):
        await _forge(house, shop)
        shown = await _refused(house, shop)
        house.clock.advance(timedelta(days=1))

    async with house.worker.begin() as uow:
        gone = await forget_refusals(uow.connection, (house.clock.now() - hook_refusals.REFUSALS_KEPT).date())

    assert [each["count"] for each in shown] == [7]
    assert gone == 1
    [kept] = await house.rows("SELECT min(day) AS first, count(*) AS days FROM hook_refusal")
    assert (kept["first"], kept["days"]) == (began + timedelta(days=1), 30)


def _until_noon(now: datetime) -> timedelta:
    return datetime(now.year, now.month, now.day, 12, tzinfo=UTC) + timedelta(days=1) - now


async def test_size_and_rate_are_counted_where_the_store_is_at_hand(house: House) -> None:
    shop, unheard = await house.shop(), await house.shop()
    generous = Buckets(per_second=1, burst=1_000)
    for per_endpoint, per_address in (
        (Buckets(per_second=1, burst=2), generous),
        (generous, Buckets(per_second=1, burst=3)),
    ):
        hooks = Hooks(
            house.stores,
            house.intake,
            house.clock,
            refusals=house.refusals,
            per_endpoint=per_endpoint,
            per_address=per_address,
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=hooks), base_url="http://test") as client:
            for content in (_BODY, _BODY, b"x" * (BODY_LIMIT + 1), _BODY):
                await client.post(shop.path, content=content, headers=_FORGED)
            await client.post(unheard.path, content=b"x" * (BODY_LIMIT + 1))
            await client.post(shop.path.replace("shopify", "standard"), content=b"x" * (BODY_LIMIT + 1))

    counts = {each["reason"]: each["count"] for each in await _refused(house, shop)}

    assert counts == {"signature": 4, "size": 2, "rate": 2}
    assert await _refused(house, unheard) == []


async def test_the_figures_of_all_answers_are_as_before(house: House) -> None:
    shop = await house.shop()
    labels = {"platform": "shopify", "status": "401", "reason": "signature"}
    before = REGISTRY.get_sample_value("hook_answers_total", labels) or 0.0

    await _forge(house, shop, times=3)

    assert REGISTRY.get_sample_value("hook_answers_total", labels) == before + 3


async def test_two_processes_add_up(house: House) -> None:
    shop = await house.shop()
    await _forge(house, shop, times=2)
    store = await house.stores.find(shop.path.rpartition("/")[2])
    assert store is not None
    async with _counting(house) as other:
        for _ in range(5):
            other.count(store, "signature")

        await asyncio.gather(house.refusals.write(), other.write())
        other.count(store, "signature")
        await other.write()
        await other.write()

    assert await _refused(house, shop) == [_shown("signature", 8, house.clock.now())]


async def test_what_comes_during_a_write_waits_for_the_next_one(house: House) -> None:
    async with _counting(house) as counting:
        counting.count(_store(1), "signature")
        writing = asyncio.create_task(counting.write())
        await asyncio.sleep(0)
        for _ in range(2):
            counting.count(_store(1), "signature")
        counting.count(_store(2), "signature")
        await writing
        first = await house.rows("SELECT store_no, count FROM hook_refusal")
        await counting.write()

    assert first == [{"store_no": 1, "count": 1}]
    both = await house.rows("SELECT store_no, count FROM hook_refusal ORDER BY 1")
    assert both == [{"store_no": 1, "count": 3}, {"store_no": 2, "count": 1}]


async def test_an_outage_loses_no_count_and_what_comes_in_between_is_added(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook_refusals, "_EVERY_SECONDS", 0.01)
    shop = await house.shop()
    await _forge(house, shop)
    store = house.stores.remembered(shop.path.rpartition("/")[2])
    assert store is not None
    stop = asyncio.Event()
    async with (
        proxied(urlsplit(house.urls.intake or "").port or 0) as proxy,
        _counting(house, through(proxy, house.urls.intake or "")) as counting,
        asyncio.timeout(30),
        asyncio.TaskGroup() as group,
    ):
        writing = group.create_task(counting.run(stop))
        counting.count(store, "signature")
        while not await house.rows("SELECT count FROM hook_refusal"):
            await asyncio.wait([writing], timeout=0.01)
        proxy.switch(Mode.CUT)
        for _ in range(100):
            counting.count(store, "signature")
            await asyncio.sleep(0)
        away = proxy.cut
        while proxy.cut < away + 3:
            await asyncio.wait([writing], timeout=0.01)
        proxy.switch(Mode.PASS)
        counting.count(store, "signature")
        stop.set()

    assert await _refused(house, shop) == [_shown("signature", 1 + 1 + 100 + 1, house.clock.now())]


async def test_memory_is_bounded_and_what_no_longer_fits_is_said_once_a_round(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _counting(house) as counting:
        for number in range(MOST_COUNTED + 7):
            counting.count(_store(number), "signature")
        counting.count(_store(0), "signature")
        counting.count(_store(0), "rate")
        stopped = asyncio.Event()
        stopped.set()
        await counting.run(stopped)
        counting.count(_store(MOST_COUNTED), "signature")
        await counting.run(stopped)

    rows = await house.rows("SELECT count(*) AS stores, sum(count) AS n FROM hook_refusal")
    assert (rows[0]["stores"], rows[0]["n"]) == (MOST_COUNTED + 1, MOST_COUNTED + 2)
    said = [line for line in capsys.readouterr().out.splitlines() if "hook_refusals_not_counted" in line]
    assert [line.rpartition(" ")[2] for line in said] == ["count=8"]


async def test_the_last_refusals_are_put_away_when_the_process_ends(house: House) -> None:
    shop = await house.shop()
    async with api(settings_of(house.urls), Health()) as app:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
        async with client:
            answer = await client.post(shop.path, content=_BODY, headers=_FORGED)

    assert answer.status_code == 401
    [shown] = await _refused(house, shop)
    assert (shown["reason"], shown["count"]) == ("signature", 1)


async def test_somebody_elses_refusals_are_not_shown(house: House) -> None:
    mine, theirs = await house.shop(), await house.shop()
    await _forge(house, theirs)
    await house.refusals.write()
    api_role = await asyncpg.connect(house.urls.api)
    try:
        seen = {}
        for shop in (mine, theirs):
            async with api_role.transaction():
                await api_role.fetchval("SELECT set_tenant($1)", shop.merchant_id)
                seen[shop.merchant_id] = await api_role.fetchval("SELECT count(*) FROM hook_refusal")
    finally:
        await api_role.close()

    assert seen == {mine.merchant_id: 0, theirs.merchant_id: 1}


async def test_the_hook_path_adds_and_can_do_nothing_else_and_nobody_else_adds(house: House) -> None:
    now = house.clock.now()
    async with _counting(house) as counting:
        counting.count(_store(1), "signature")
        await counting.write()

    for url in (house.urls.api, house.urls.worker):
        assert await _tried(url, _ADDED, [1], [1], ["signature"], [1], [now]) == "42501"
    for count in (0, -1):
        assert await _tried(house.urls.intake or "", _ADDED, [1], [1], ["signature"], [count], [now]) == "23514"
    assert await house.rows("SELECT count FROM hook_refusal") == [{"count": 1}]
    rights = await house.rows(
        """
        SELECT r AS role, string_agg(p, ' ' ORDER BY p)
            FILTER (WHERE has_table_privilege('order_ingest_' || r, 'hook_refusal', p)) AS may
        FROM unnest(ARRAY['api', 'intake', 'worker']) r,
            unnest(ARRAY['DELETE', 'INSERT', 'SELECT', 'TRUNCATE', 'UPDATE']) p GROUP BY 1 ORDER BY 1
        """
    )
    allowed = {row["role"]: row["may"] for row in rights}
    assert allowed == {"api": "SELECT", "intake": None, "worker": "DELETE SELECT"}


async def _tried(url: str, statement: str, *values: Any) -> str | None:
    """The code with which the server refuses."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, *values)
    except asyncpg.PostgresError as refusal:
        return str(refusal.sqlstate)
    finally:
        await connection.close()
    return None
