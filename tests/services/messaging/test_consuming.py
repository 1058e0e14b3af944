"""The service's own consumer on a real bus: facts that come twice, late, broken, or while the process dies."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from libs.contracts.envelope import Event
from libs.eventbus.subscriptions import Handler
from libs.eventbus.transaction import Transaction
from tests.services.messaging.facts import address, erased, registered
from tests.services.messaging.stage import Stage, running, story, until


async def test_facts_that_come_twice_send_once(stage: Stage) -> None:
    await stage.tell(*story("ada", "bea"))
    records = await stage.records()
    await stage.bus.append([*records, *records[2:5], *records])

    await stage.consumed()

    assert await stage.mailed() == [address("ada"), address("bea")]


async def test_an_erasure_that_comes_twice_is_answered_once(stage: Stage) -> None:
    await stage.tell(*story("ada"), erased("ada", request="r"))
    records = await stage.records()
    await stage.bus.append([*records, *records])

    await stage.consumed()

    [answer] = await stage.messaging.told("erasure.completed.v1")
    assert answer["erased_id"] == str(erased("ada").fact.customer_id)


async def test_facts_that_come_out_of_order_are_asked_for_again(stage: Stage) -> None:
    await stage.tell(*story("ada", "bea"))
    await stage.bus.append(list(reversed(await stage.records())))

    await stage.consumed(healing=True)

    assert await stage.mailed() == [address("ada"), address("bea")]


async def test_points_before_their_order_wait_for_it(stage: Stage) -> None:
    await stage.tell(*story("ada"))
    records = await stage.records()
    await stage.bus.append([record for record in records if record.topic == "loyalty"])
    async with running([stage.consumer().run]):
        await until(lambda: _has(stage, "SELECT 1 FROM intent WHERE state = 'waiting'"))

    await stage.bus.append([record for record in records if record.topic == "commerce"])
    await stage.consumed()

    assert await stage.mailed() == [address("ada")]


@pytest.mark.parametrize("payload", [b"{}", b"not json", None], ids=["fields", "json", "seal"])
async def test_malformed_fact_is_parked_and_only_its_customer_waits(stage: Stage, payload: bytes | None) -> None:
    await stage.tell(*story("ada", "bea"))
    key = str(registered("ada").fact.customer_id)
    records = await stage.records()
    broken = next(record for record in records if key in record.key and "customer.registered" in record.headers)
    torn = payload or broken.payload.replace(b'"contact_sealed":"gAAAAA', b'"contact_sealed":"hBBBBB')
    await stage.bus.append([replace(r, payload=torn) if r is broken else r for r in records])

    await stage.consumed()

    parked = await stage.messaging.rows("SELECT failed, subject FROM parked_event ORDER BY seq")
    assert [row["failed"] for row in parked] == [True, False, False]
    assert {row["subject"].endswith(key) for row in parked} == {True}
    assert await stage.mailed() == [address("bea")]


async def test_crash_before_commit_leaves_nothing_and_the_next_start_does_it_all(stage: Stage) -> None:
    await stage.tell(*story("ada"))
    await stage.bus.append(await stage.records())
    reached = asyncio.Event()

    def hanging(handle: Handler) -> Handler:
        async def hang(transaction: Transaction, events: Sequence[Event[Any]]) -> None:
            await handle(transaction, events)
            reached.set()
            await asyncio.Event().wait()

        return hang

    dying = asyncio.create_task(stage.consumer(hanging).run(asyncio.Event()))
    await asyncio.wait_for(reached.wait(), 30)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert not await _has(stage, "SELECT 1 FROM contact UNION ALL SELECT 1 FROM intent")

    await stage.consumed()

    assert await stage.mailed() == [address("ada")]


async def test_crash_after_commit_sends_nothing_twice(stage: Stage) -> None:
    await stage.tell(*story("ada"))
    await stage.bus.append(await stage.records())
    await stage.consumed()
    assert await stage.mailed() == [address("ada")]
    # The database committed, the bus never heard of it: the next owner reads everything again.
    owner = await asyncpg.connect(stage.bus_url)
    await owner.execute("UPDATE group_offset SET committed = 0")
    await owner.close()

    await stage.tell(*story("bea")[1:])
    await stage.bus.append(await stage.records())
    await stage.consumed()

    assert await stage.mailed() == [address("ada"), address("bea")]
    assert len(await stage.messaging.told("message.handed_off.v1")) == 2


async def _has(stage: Stage, statement: str) -> bool:
    return bool(await stage.messaging.rows(statement))
