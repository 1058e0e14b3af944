"""The normaliser on the database: every delivery once, in its lane's order, whoever else is at work."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from libs.contracts.commerce import OrderPlacedV1
from libs.eventbus.errors import SourceRestored
from libs.eventbus.identity import check_identity
from services.order_ingest.adapters import maintenance
from services.order_ingest.adapters.intake_log import IntakeLog
from services.order_ingest.application.normalise_deliveries import normalise
from services.order_ingest.entrypoints.normaliser import Normaliser
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import VAULT, House


async def test_two_normalisers_share_the_lanes_and_tell_each_order_once(house: House) -> None:
    merchant_id = await house.merchant()
    shops = [await house.shop(merchant_id=merchant_id, account=str(n), domain=bodies.DOMAIN) for n in range(4)]
    for n in range(120):
        order = bodies.order(id=n, order_status_url=None, customer={"id": n % 10}, email=f"c{n % 10}@example.com")
        await house.deliver(shops[n % 4], "orders/create", order)
    log = IntakeLog(house.worker, VAULT, house.clock)
    others = [Normaliser(log, house.normaliser.reader, limit=7) for _ in range(2)]

    await asyncio.gather(*(other.drain() for other in others))
    await house.normaliser.drain()

    placed = [fact.order_id for fact in await house.facts("order.placed") if isinstance(fact, OrderPlacedV1)]
    assert len(placed) == len(set(placed)) == 120
    [left] = await house.rows(
        "SELECT count(*) AS n FROM intake_lane l JOIN intake_mark m USING (lane) WHERE next_seq - 1 > last_seq"
    )
    assert left["n"] == 0
    outcomes = await house.rows("SELECT state, count(*) AS n FROM delivery_outcome GROUP BY 1")
    assert outcomes == [{"state": "applied", "n": 120}]
    # Ten people in four stores, each known by an address and four ids of four platforms' accounts.
    customers = await house.rows("SELECT customer_id FROM customer WHERE merged_into IS NULL")
    assert len(customers) == 10


async def test_a_delivery_that_spoils_its_batch_is_parked_and_the_others_stand(house: House) -> None:
    shop = await house.shop()
    huge = bodies.order(id=2, line_items=[bodies.line(id=n, title="x" * 450) for n in range(700)])
    for n, body in enumerate((bodies.order(id=1), huge, bodies.order(id=3))):
        await house.deliver(shop, "orders/create", body, webhook_id=f"w{n}")

    await house.normaliser.drain()

    listed = (await house.get(shop, "/v1/deliveries"))["items"]
    assert sorted(item["state"] for item in listed) == ["applied", "applied", "parked"]
    [parked] = [item for item in listed if item["state"] == "parked"]
    assert parked["reason"] == "cannot be applied: PayloadTooLarge"


async def test_a_stored_body_that_does_not_open_is_parked(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    async with house.worker.begin() as uow:
        await uow.connection.exec_driver_sql("UPDATE webhook_delivery SET body_enc = substr(body_enc, 1, 40)")

    await house.normaliser.drain()

    [delivery] = (await house.get(shop, "/v1/deliveries"))["items"]
    assert delivery["state"] == "parked"


async def test_a_batch_that_fails_on_its_way_to_commit_leaves_nothing(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    log = IntakeLog(house.worker, VAULT, house.clock)
    failed = False
    try:
        async with log.begin(limit=10) as batch:
            await normalise(batch, house.normaliser.reader)
            raise ConnectionError
    except ConnectionError:
        failed = True

    before = await house.rows("SELECT count(*) AS n FROM customer_order")
    await house.normaliser.drain()
    after = await house.rows("SELECT count(*) AS n FROM customer_order")

    assert failed
    assert (before[0]["n"], after[0]["n"]) == (0, 1)
    assert len(await house.facts("order.placed")) == 1


async def test_a_database_that_was_put_back_parks_nothing_and_goes_on_in_its_new_epoch(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    owner = await asyncpg.connect(house.urls.owner)
    try:
        await check_identity(owner)
        await owner.execute("UPDATE source_identity SET database_oid = database_oid + 1")
        with pytest.raises(SourceRestored):
            await house.normaliser.step()
        assert await house.rows("SELECT 1 FROM delivery_outcome") == []
        await owner.execute("UPDATE source_identity SET database_oid = database_oid - 1")
    finally:
        await owner.close()

    await house.normaliser.drain()

    assert len(await house.facts("order.placed")) == 1


async def test_days_are_dropped_only_behind_the_normaliser(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    later = house.clock.now() + timedelta(days=20)

    kept = await maintenance.drop_days(house.worker, later)
    await house.normaliser.drain()
    dropped = await maintenance.drop_days(house.worker, later)

    assert (kept > 0, dropped) == (True, 1)  # the empty days went first, the one with the delivery only now
    assert await house.rows("SELECT 1 FROM webhook_delivery") == []


async def test_ids_are_forgotten_after_thirty_days(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())

    kept = await maintenance.forget_ids(house.worker, house.clock.now() + timedelta(days=29))
    gone = await maintenance.forget_ids(house.worker, house.clock.now() + timedelta(days=31))

    assert (kept, gone) == (0, 1)


async def test_customers_are_joined_across_the_stores_of_one_merchant_and_of_no_other(house: House) -> None:
    merchant_id = await house.merchant()
    first, second = [await house.shop(merchant_id=merchant_id, account=str(n)) for n in (1, 2)]
    stranger = await house.shop()
    for shop, customer in ((first, 1), (second, 2), (stranger, 3)):
        body = bodies.order(id=customer, order_status_url=None, customer={"id": customer})
        await house.deliver(shop, "orders/create", body)
    await house.normaliser.drain()

    mine = (await house.get(first, "/v1/customers"))["items"]
    theirs = (await house.get(stranger, "/v1/customers"))["items"]

    assert len(mine) == len(theirs) == 1
    assert mine[0]["customer_id"] != theirs[0]["customer_id"]


async def test_every_table_with_a_merchant_is_closed_by_row_security(house: House) -> None:
    tables = await house.rows(
        """
        SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS closed FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_no'
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        """
    )

    assert len(tables) > 15
    assert [row["relname"] for row in tables if not row["closed"]] == []
