"""A loyalty database of its own for each test, and facts to tell it."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from deploy.local.databases import ServiceUrls
from tests.services.loyalty.facts import DAY, START, Facts
from tests.services.loyalty.stage import Stage, open_stage


@pytest.fixture
async def stage(service_urls: Callable[[str], Awaitable[ServiceUrls]]) -> AsyncIterator[Stage]:
    opened = await open_stage(await service_urls("loyalty"), now=START + 100 * DAY)
    yield opened
    await opened.close()


@pytest.fixture
def tell() -> Facts:
    return Facts(at=START)
