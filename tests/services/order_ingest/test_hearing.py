"""The service's own consumer on a real bus: facts that come twice, late, broken, or that it never asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.local.topics import CLIENT_ROLE
from libs.contracts.coupons import CouponIssuedV1, CouponPublishedV1
from libs.contracts.customers import ConsentProof
from libs.contracts.envelope import Said
from libs.contracts.fact import Fact
from libs.contracts.messaging import ConsentChangedV1, MessageHandedOffV1
from libs.contracts.registry import SOURCES
from libs.eventbus import postgres_schema
from libs.eventbus.consumer import Consumer
from libs.eventbus.outbox import seed_topic
from libs.eventbus.port import Outgoing
from libs.eventbus.postgres import PostgresBus
from libs.eventbus.postgres_reading import Pace
from libs.eventbus.relay import Relay
from libs.eventbus.source import Source
from libs.eventbus.subscriptions import AnyEvent, Handler
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import SystemClock
from libs.servicekit.database import Database, create_engine
from libs.servicekit.identity import new_id
from services.order_ingest.adapters.store_apis.by_platform import code_apis
from services.order_ingest.entrypoints.subscriptions import SUBSCRIPTIONS, TOPICS
from services.order_ingest.worker_tasks import consumer
from tests.services.messaging.stage import running, until
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import SEALER, House, Shop, settings_of
from tests.services.order_ingest.heard import Ears, coupon
from tests.services.order_ingest.stores.shopify_admin import TOKEN, ShopifyAdmin
from tests.throwaway import Databases

_PARTITIONS = {"commerce": 4, "loyalty": 4, "messaging": 4, "segmentation": 4, "control": 1}


@dataclass
class Stage:
    """The three sources that order-ingest hears (their outbox lives in its own database), a bus, and a shop."""

    house: House
    shop: Shop
    checkout: ShopifyAdmin
    ears: Ears
    sources: dict[str, Database]
    bus: PostgresBus

    async def tell(self, *facts: Fact) -> None:
        """The facts are in their sources' outbox, in this order."""
        for fact in facts:
            async with self.sources[fact.TOPIC].begin() as uow:
                uow.say(Said(fact, self.shop.merchant_id, self.house.clock.now(), key=str(uuid4())))

    async def records(self) -> list[Outgoing]:
        """What the relays would hand to the bus."""
        rows = await self.house.rows(
            "SELECT topic, lane, merchant_id || ':' || subject AS key, headers, payload FROM outbox"
            " WHERE topic <> 'commerce' ORDER BY topic, lane, seq"
        )
        return [Outgoing(**row) for row in rows]

    def consumer(self) -> Consumer:
        made = consumer(settings_of(self.house.urls), self.house.worker, self.bus, self.house.clock)
        return replace(made, clock=SystemClock())

    async def consumed(self, *, healing: bool = False) -> None:
        """The consumer, and with `healing` the sources too, ran until every fact told was applied or parked."""
        runs = [self.consumer().run]
        for topic, database in self.sources.items() if healing else ():
            runs.append(Source(SOURCES[topic], self.bus, database.begin, SystemClock(), new_id, database.told).answer)
        if healing:
            told = self.sources["loyalty"].told
            runs.append(Relay("order-ingest", self.bus, self.house.urls.worker, SystemClock(), new_id, told).run)
        async with running(runs):
            await until(self.is_drained)

    async def is_drained(self) -> bool:
        behind = await self.house.rows(
            "SELECT 1 FROM outbox_lane o LEFT JOIN inbox_lane i"
            " ON i.topic = o.topic AND i.lane = o.lane AND i.consumer_group = 'order-ingest'"
            " WHERE o.topic <> 'commerce' AND coalesce(i.last_seq, 0) < o.next_seq - 1 LIMIT 1"
        )
        return not behind

    async def published(self) -> set[UUID]:
        """The coupons whose publication was told, once all is settled."""
        await self.ears.settle()
        told = await self.ears.told()
        found = [fact.coupon_id for fact in told if isinstance(fact, CouponPublishedV1)]
        assert len(found) == len(told) == len(set(found))
        return set(found)

    def coupons(self, count: int) -> list[CouponIssuedV1]:
        """So many coupons of as many customers, each with a code of its own."""
        return [
            coupon(self.house, self.shop, code_sealed=SEALER.seal({"code": f"C-{number}"})) for number in range(count)
        ]


@pytest.fixture
async def stage(house: House, databases: Databases) -> AsyncIterator[Stage]:
    owner_url, client_url = await databases.fresh_bus()
    owner = await asyncpg.connect(owner_url)
    await postgres_schema.install(owner, topics=_PARTITIONS, now=datetime.now(UTC), client_role=CLIENT_ROLE)
    await owner.close()
    shop, checkout = await house.shop(), ShopifyAdmin()
    await Clockwork(house, {}).reach(shop, access_token=TOKEN)
    sources = {
        topic: Database(
            create_engine(house.urls.worker, "worker", pool_size=2), source=SOURCES[topic], clock=house.clock
        )
        for topic in TOPICS
    }
    for topic, database in sources.items():
        async with database.begin() as uow:
            await seed_topic(uow.connection, topic)
    async with (
        httpx.AsyncClient(transport=httpx.ASGITransport(app=checkout.app)) as http,
        PostgresBus.open(client_url, pace=Pace(busy_seconds=0.005, idle_seconds=0.02)) as bus,
    ):
        yield Stage(house, shop, checkout, Ears(house, code_apis(http, house.clock.now)), sources, bus)
    for database in sources.values():
        await database.close()


async def test_a_fact_on_the_bus_becomes_a_code_and_a_fact_of_ours(stage: Stage) -> None:
    issued = stage.coupons(3)
    await stage.tell(*issued)
    await stage.bus.append(await stage.records())

    await stage.consumed()

    assert await stage.published() == {each.coupon_id for each in issued}
    assert sorted(stage.checkout.discounts) == ["c-0", "c-1", "c-2"]


async def test_facts_that_nobody_asked_for_are_passed_by_undecoded(stage: Stage) -> None:
    proof = ConsentProof(source="shop", at=stage.house.clock.now())
    ignored = ConsentChangedV1(
        customer_id=uuid4(),
        channel="email",
        topic="news",
        from_state="unknown",
        to_state="subscribed",
        proof=proof,
        at=proof.at,
    )
    [issued] = stage.coupons(1)
    await stage.tell(ignored, issued)
    # Not even JSON: whoever decoded it would park it.
    records = [
        replace(each, payload=b"{", headers=each.headers.replace(ConsentChangedV1.TYPE, MessageHandedOffV1.TYPE))
        if each.topic == "messaging"
        else each
        for each in await stage.records()
    ]
    await stage.bus.append(records)

    await stage.consumed()

    assert await stage.house.rows("SELECT 1 FROM parked_event") == []
    assert await stage.published() == {issued.coupon_id}


async def test_facts_that_come_twice_make_one_code(stage: Stage) -> None:
    issued = stage.coupons(3)
    await stage.tell(*issued)
    records = await stage.records()
    await stage.bus.append([*records, *records[1:2], *records])

    await stage.consumed()

    assert await stage.published() == {each.coupon_id for each in issued}
    assert stage.checkout.operations == ["discountCodeBasicCreate"] * 3


async def test_facts_that_come_out_of_order_are_asked_for_again(stage: Stage) -> None:
    customer_id = uuid4()
    issued = [each.model_copy(update={"customer_id": customer_id}) for each in stage.coupons(4)]
    await stage.tell(*issued)
    await stage.bus.append(list(reversed(await stage.records())))

    await stage.consumed(healing=True)

    assert await stage.published() == {each.coupon_id for each in issued}


async def test_a_malformed_fact_is_parked_and_only_its_customer_waits(stage: Stage) -> None:
    first, second = stage.coupons(2)
    await stage.tell(first, second)
    records = [
        replace(each, payload=b"{}") if str(first.customer_id) in each.key else each for each in await stage.records()
    ]
    await stage.bus.append(records)

    await stage.consumed()

    [parked] = await stage.house.rows("SELECT subject, failed FROM parked_event")
    assert (parked["failed"], parked["subject"].endswith(str(first.customer_id))) == (True, True)
    assert await stage.published() == {second.coupon_id}


async def test_a_death_before_the_commit_leaves_nothing_and_the_next_start_does_it_all(stage: Stage) -> None:
    [issued] = stage.coupons(1)
    await stage.tell(issued)
    await stage.bus.append(await stage.records())
    reached = asyncio.Event()
    made = stage.consumer()
    dying = asyncio.create_task(replace(made, handler=_hanging(made.handler, reached)).run(asyncio.Event()))
    await asyncio.wait_for(reached.wait(), 30)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    nothing = await stage.house.rows("SELECT 1 FROM effect WHERE kind = 'coupon.publish'")

    await stage.consumed()

    assert nothing == []
    assert await stage.published() == {issued.coupon_id}


def _hanging(handle: Handler, reached: asyncio.Event) -> Handler:
    async def hang(transaction: Transaction, events: Sequence[AnyEvent]) -> None:
        await handle(transaction, events)
        reached.set()
        await asyncio.Event().wait()

    return hang


def test_only_facts_of_the_topics_that_are_read_are_listened_to() -> None:
    heard: list[Any] = [fact for fact in SUBSCRIPTIONS if fact.TOPIC not in (*TOPICS, "*")]

    assert heard == []
