"""Connections that are half open: nothing comes, and no end either."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.servicekit.database import create_engine
from tests.chaos.proxy import Mode, Proxy, proxied, through
from tests.throwaway import PASSWORD, Databases

POOLED = 3
PATIENT_SECONDS = 60.0


@pytest.fixture
async def proxy(databases: Databases) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before the server, and a worker's address through it."""
    address = urlsplit(await databases.blank("loyalty_owner"))
    async with proxied(address.port or 0) as proxy:
        worker = address._replace(netloc=f"loyalty_worker:{PASSWORD}@{address.hostname}:{address.port}")
        yield proxy, through(proxy, worker.geturl())


async def answer(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT 1")) or 0)


async def all_half_open(engine: AsyncEngine, proxy: Proxy) -> None:
    """The pool holds three connections, each of which will never say anything again."""
    opened = [await engine.connect() for _ in range(POOLED)]
    for connection in opened:
        await connection.close()
    proxy.switch(Mode.HALF_OPEN)
    proxy.switch(Mode.PASS)  # for new ones


async def ended(engine: AsyncEngine, proxy: Proxy) -> None:
    """Nothing is left; without the cut, taking leave would wait for answers too."""
    proxy.switch(Mode.CUT)
    await engine.dispose()


async def test_a_statement_ends_that_nobody_answers_and_the_next_one_is_answered(proxy: tuple[Proxy, str]) -> None:
    engine = create_engine(proxy[1], "worker", answer_seconds=0.5)
    await all_half_open(engine, proxy[0])

    with pytest.raises(TimeoutError):
        await answer(engine)

    assert await answer(engine) == 1
    await ended(engine, proxy[0])


async def test_after_a_deadline_of_the_caller_too_the_next_statement_is_answered(proxy: tuple[Proxy, str]) -> None:
    engine = create_engine(proxy[1], "worker", answer_seconds=PATIENT_SECONDS)
    await all_half_open(engine, proxy[0])

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await answer(engine)

    async with asyncio.timeout(PATIENT_SECONDS / 2):
        assert await answer(engine) == 1
    await ended(engine, proxy[0])
