"""The same random lives as in memory, stored and loaded again between any two steps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import ClassVar
from uuid import uuid4

import pytest

from deploy.local.databases import ServiceUrls
from services.loyalty.domain.programmes import Rules
from tests.services.loyalty.facts import START
from tests.services.loyalty.ledger_machine import LedgerMachine, live
from tests.services.loyalty.stage import Stage, open_stage
from tests.services.loyalty.stored_world import StoredWorld


class StoredMachine(LedgerMachine):
    """Each life has a merchant of its own in one database."""

    runner: ClassVar[asyncio.Runner]
    stage: ClassVar[Stage]

    def start(self, rules: Rules) -> StoredWorld:
        self.facts.merchant_id = uuid4()
        self.stage.clock.set(START)
        world = StoredWorld(self.runner, self.stage, self.facts.merchant_id)
        world.hear(self.facts.merchant(at=START))
        self.runner.run(
            self.stage.publish(
                self.facts.merchant_id,
                effective_at=START,
                expires_after_days=rules.expires_after_days,
                debt_policy=rules.debt_policy,
                max_debt=rules.max_debt,
                tiers=rules.tiers,
            )
        )
        return world

    def broken(self) -> Sequence[object]:
        """The proof is long: it is made once, at the end of a life."""
        return ()

    def teardown(self) -> None:
        assert not self.runner.run(self.stage.broken(of=self.facts.merchant_id))


@pytest.fixture
def machine(service_urls: Callable[[str], Awaitable[ServiceUrls]]) -> Iterator[type[StoredMachine]]:
    with asyncio.Runner() as runner:
        urls = runner.run(_urls(service_urls))
        stage = runner.run(open_stage(urls, pool_size=2))
        StoredMachine.runner, StoredMachine.stage = runner, stage
        yield StoredMachine
        runner.run(stage.close())


async def _urls(service_urls: Callable[[str], Awaitable[ServiceUrls]]) -> ServiceUrls:
    return await service_urls("loyalty")


def test_the_stored_ledger_agrees_with_a_list_of_lots(machine: type[StoredMachine]) -> None:
    live(machine, examples=15, steps=30, shrink=False)
