"""A messaging database with the fold over it, its sender, and a mailbox that the sender writes to."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from deploy.local.databases import ServiceUrls
from libs.contracts.envelope import Event
from libs.eventbus.subscriptions import Handler
from libs.servicekit.clock import ManualClock
from libs.servicekit.database import Database
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.timers import TimerLoop
from tests.services.messaging.mailbox import Mailbox


@dataclass
class Messaging:
    """A database, the fold over it, and the sender on it."""

    urls: ServiceUrls
    database: Database
    handler: Handler
    clock: ManualClock
    mailbox: Mailbox
    sender: EffectSender
    timers: TimerLoop

    async def apply(self, *events: Event[Any], batch: int = 500) -> None:
        """The events are folded in batches, each in one transaction."""
        for start in range(0, len(events), batch):
            async with self.database.begin() as uow:
                await self.handler(uow, events[start : start + batch])

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        async with self.database.begin() as uow:
            found = await uow.connection.execute(text(statement), values)
            return [dict(row._mapping) for row in found]

    async def outcomes(self) -> list[tuple[str, str | None]]:
        """Every intent's state and reason, in the order of planning."""
        rows = await self.rows("SELECT state, reason FROM intent ORDER BY planned_at, intent_id")
        return sorted((row["state"], row["reason"]) for row in rows)

    async def told(self, wire_name: str) -> list[dict[str, Any]]:
        """The payloads of this fact that the outbox holds."""
        rows = await self.rows(
            "SELECT CAST(convert_from(payload, 'UTF8') AS jsonb) AS fact FROM outbox WHERE type = :name"
            " ORDER BY lane, seq",
            name=wire_name,
        )
        return [row["fact"] for row in rows]

    async def send_all(self) -> None:
        """Whatever is due is sent, until nothing is left that can go now."""
        while await self.sender.run_once():
            pass
