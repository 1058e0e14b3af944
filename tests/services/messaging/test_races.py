"""Two transactions at once: whoever comes second sees the first."""

import asyncio
from typing import Any

import pytest

from libs.contracts.envelope import Event
from tests.services.messaging.facts import address, consented, earned, merchant, merged, paid, registered
from tests.services.messaging.messaging import Messaging


async def together(messaging: Messaging, first: list[Event[Any]], second: list[Event[Any]]) -> None:
    """Both batches run at once; `second` starts when `first` has done its work and not yet committed."""
    worked, go_on = asyncio.Event(), asyncio.Event()

    async def one() -> None:
        async with messaging.database.begin() as uow:
            await messaging.handler(uow, first)
            worked.set()
            await go_on.wait()

    async def other() -> None:
        await worked.wait()
        async with messaging.database.begin() as uow:
            waiting = asyncio.ensure_future(messaging.handler(uow, second))
            # It may be held up by the other's locks: give it the time to run into them.
            await asyncio.wait([waiting], timeout=0.2)
            go_on.set()
            await waiting

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(one())
        tasks.create_task(other())


@pytest.mark.parametrize("points_first", [True, False])
async def test_points_and_their_payment_at_once(messaging: Messaging, points_first: bool) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"))
    points: list[Event[Any]] = [earned("ada", 1)]
    payment: list[Event[Any]] = [paid("ada", 1)]

    await together(messaging, *((points, payment) if points_first else (payment, points)))
    await messaging.send_all()

    assert messaging.mailbox.recipients == [address("ada")]


async def test_points_and_a_merge_at_once(messaging: Messaging) -> None:
    await messaging.apply(
        merchant(), registered("ada"), consented("ada"), registered("bea", email=None), paid("ada", 1)
    )

    await together(messaging, [merged("ada", "bea")], [earned("ada", 1)])
    await messaging.send_all()

    assert messaging.mailbox.recipients == [address("ada")]
    [intent] = await messaging.rows("SELECT customer_id FROM intent")
    assert intent["customer_id"] == registered("bea").fact.customer_id


async def test_sender_waits_for_a_withdrawal_under_way(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))
    worked = asyncio.Event()

    async def withdraw() -> None:
        async with messaging.database.begin() as uow:
            await messaging.handler(uow, [consented("ada", "unsubscribed", minutes=5)])
            worked.set()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(withdraw())
        await worked.wait()
        tasks.create_task(messaging.send_all())

    assert await messaging.outcomes() == [("suppressed", "consent")]
