"""The ledger in PostgreSQL, through its adapters: for commands that have no route yet, and for the state machine."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.envelope import Event
from services.loyalty.adapters.workspaces import PostgresWorkspaces
from services.loyalty.application.needs import Keys, whole_scope
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.entries import entry_id
from tests.services.loyalty.facts import uid
from tests.services.loyalty.stage import Stage

Command = Callable[[Workspace, Member], object]


class Crash(Exception):
    """The process dies before its commit."""


async def transact(
    stage: Stage, merchant_id: UUID, name: str, command: Command, *, keys: Sequence[str] = (), crash: bool = False
) -> None:
    """The command is carried out on the member that `name` is now, with everything of it loaded."""
    ledgers = PostgresWorkspaces(stage.clock)
    probes = {(merchant_id, entry_id(merchant_id, key)) for key in keys}
    try:
        async with stage.database.begin() as uow:
            wanted = Keys({merchant_id}, customers={(merchant_id, uid(name))}, entries=probes)
            workspace = await ledgers.open(uow, wanted)
            merchant = workspace.merchant(merchant_id)
            member = workspace.member(merchant.merchant_no, uid(name))
            if merchant.programme is not None:
                member.book.policy = merchant.programme.newest.rules.debt_policy
            await ledgers.fill(uow, workspace, {member.account.account_id: whole_scope(member, stage.clock.now())})
            command(workspace, member)
            await ledgers.store(uow, workspace)
            for said in workspace.said:
                uow.say(said)
            if crash:
                raise Crash
    except Crash:
        return


class StoredWorld:
    """One merchant of a stage, driven from outside any event loop."""

    def __init__(self, runner: asyncio.Runner, stage: Stage, merchant_id: UUID) -> None:
        self.runner = runner
        self.stage = stage
        self.merchant_id = merchant_id

    def hear(self, *events: Event[Any], crash: bool = False) -> None:
        async def heard() -> None:
            async with self.stage.database.begin() as uow:
                await self.stage.handler(uow, events)
                if crash:
                    raise Crash

        self.stage.clock.set(max(event.envelope.occurred_at for event in events))
        try:
            self.runner.run(heard())
        except Crash:
            return

    def command(self, name: str, command: Command, *, key: str) -> None:
        self.runner.run(transact(self.stage, self.merchant_id, name, command, keys=[key]))

    def balance(self, name: str, at: datetime) -> Balance:
        """As the screen shows it."""
        return self.runner.run(self.stage.balance(name, at, of=self.merchant_id))

    def arrive(self, at: datetime) -> None:
        """The timers have done what is due."""
        self.stage.clock.set(at)
        self.runner.run(self.stage.look_again())
