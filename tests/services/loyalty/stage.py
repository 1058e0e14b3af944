"""A loyalty database, the fold and the timers over it, as worker and as one merchant's API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from deploy.local.databases import ServiceUrls
from libs.contracts.envelope import Event
from libs.eventbus.outbox import seed_topic
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import Handler, fold
from libs.servicekit.clock import ManualClock, SystemClock
from libs.servicekit.database import Database, create_engine
from services.loyalty.adapters.member_reads import PostgresMembers
from services.loyalty.adapters.programme_edits import PostgresProgrammes
from services.loyalty.adapters.proofs import PostgresProofs
from services.loyalty.adapters.workspaces import PostgresWorkspaces
from services.loyalty.application.edit_programme import Changes, draft_version, publish_version
from services.loyalty.application.views import Finding, MemberView
from services.loyalty.bootstrap import timers
from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.programmes import default_programme_id
from services.loyalty.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.services.loyalty.facts import MERCHANT, START, uid


@dataclass
class Stage:
    """`clock` stands still until a test moves it."""

    urls: ServiceUrls
    database: Database
    api: Database
    clock: ManualClock
    handler: Handler

    async def hear(self, *events: Event[Any], batch: int = 500) -> None:
        """The facts are folded, each batch in one transaction."""
        for start in range(0, len(events), batch):
            async with self.database.begin() as uow:
                await self.handler(uow, events[start : start + batch])

    async def look_again(self) -> None:
        """Everything that is due by the clock is done, and what follows from it."""
        loop = timers(self.database, self.clock)
        while await loop.run_due():
            continue

    async def publish(self, merchant_id: UUID = MERCHANT, *, effective_at: datetime, **rules: Any) -> None:
        """The merchant's programme has another version in force."""
        programme_id, changes = default_programme_id(merchant_id), Changes(effective_at, rules)
        programmes, now = PostgresProgrammes(), self.clock.now()
        async with self.database.begin() as uow:
            version = await draft_version(programmes, uow, programme_id, changes, now)
            await publish_version(programmes, uow, programme_id, version.number, merchant_id=merchant_id, now=now)

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.begin() as uow:
            found = await uow.connection.execute(text(statement), values)
            return [dict(row._mapping) for row in found]

    async def member(self, name: str, at: datetime | None = None, *, of: UUID = MERCHANT) -> MemberView | None:
        async with self.api.read(of) as uow:
            return await PostgresMembers().find(uow, uid(name), at or self.clock.now())

    async def balance(self, name: str, at: datetime | None = None, *, of: UUID = MERCHANT) -> Balance:
        member = await self.member(name, at, of=of)
        return member.balance if member else Balance(usable=0, pending=0, held=0, debt=0)

    async def told(self, kind: str = "") -> list[dict[str, Any]]:
        """Facts in the outbox whose type begins with `kind`, in the order of saying by lane."""
        rows = await self.rows(
            "SELECT type, subject, CAST(convert_from(payload, 'UTF8') AS json) AS fact FROM outbox"
            " WHERE type LIKE :kind || '%' ORDER BY topic, lane, seq",
            kind=kind,
        )
        return [{"type": row["type"], **row["fact"]} for row in rows]

    async def findings(self, *, of: UUID = MERCHANT) -> Sequence[Finding]:
        async with self.api.read(of) as uow:
            return await PostgresProofs().findings(uow, self.clock.now())

    async def broken(self, *, of: UUID = MERCHANT) -> list[Finding]:
        return [finding for finding in await self.findings(of=of) if finding.violations]

    async def digest(self, *, of: UUID = MERCHANT) -> tuple[str, int]:
        async with self.api.read(of) as uow:
            return await PostgresProofs().digest(uow)

    async def close(self) -> None:
        await self.database.close()
        await self.api.close()


async def open_stage(urls: ServiceUrls, *, pool_size: int = 4, now: datetime = START) -> Stage:
    """The worker's side of the database, ready to say facts."""
    clock = ManualClock(now)
    engine = create_engine(urls.worker, "worker", pool_size=pool_size)
    database = Database(engine, source="loyalty", clock=clock)
    async with database.begin() as uow:
        # The outbox is dated by the server's clock, whatever the test's says.
        await ensure_partitions(uow.connection, SystemClock().now())
        await seed_topic(uow.connection, "loyalty")
    api = Database(create_engine(urls.api, "api", pool_size=2), source="loyalty", clock=clock)
    return Stage(urls, database, api, clock, fold(PostgresWorkspaces(clock), SUBSCRIPTIONS))
