"""Intents whose waiting ends with the clock."""

from collections.abc import Collection
from datetime import datetime

from libs.servicekit.effects import Effect, request_effects
from services.messaging.adapters.intent_rows import release_intents
from services.messaging.adapters.workspaces import EFFECT_KIND
from services.messaging.application.ports import Unit
from services.messaging.application.workspace import Key


class PostgresIntents:
    """The port on this service's database."""

    async def release(self, unit: Unit, keys: Collection[Key], *, now: datetime) -> None:
        released = await release_intents(unit.connection, keys)
        effects = [Effect(no, found, EFFECT_KIND, str(found)) for no, found in released]
        await request_effects(unit.connection, effects, now)
