"""The stores behind questions that are about to be asked, and what their answers mean for the question."""

from collections.abc import Awaitable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.effects import Done, Drop, Effect, Failed, Outcome, Retry
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.store_access import Reachable, reachable_stores
from services.order_ingest.application.store_apis import ApiAway, ApiRefuses, StoreApi


class AskedStores:
    """Looked up when questions are claimed, used when they are asked: no transaction is open then."""

    def __init__(self, apis: Mapping[str, StoreApi], vault: Vault) -> None:
        self._apis = apis
        self._vault = vault
        self._found: Mapping[int, Reachable] = {}

    async def find(self, connection: AsyncConnection, effects: Sequence[Effect]) -> Mapping[UUID, Drop]:
        """Which questions cannot be asked, since their store has no access or its platform no API that we know."""
        numbers = {int(effect.payload["store_no"]) for effect in effects}
        self._found = await reachable_stores(connection, numbers, self._vault)
        return {
            effect.effect_id: Drop("the store has no API access: PUT /v1/stores/{store_id}/access")
            for effect in effects
            if not self._can_ask(int(effect.payload["store_no"]))
        }

    def _can_ask(self, store_no: int) -> bool:
        return store_no in self._found and self._found[store_no].platform in self._apis

    def of(self, effect: Effect) -> tuple[Reachable, StoreApi]:
        """The question's store and the way to ask it."""
        store = self._found[int(effect.payload["store_no"])]
        return store, self._apis[store.platform]


async def answered(asking: Awaitable[Done]) -> Outcome:
    """The outcome of a question: a store that is away is asked again, one that refuses is not."""
    try:
        return await asking
    except ApiAway as away:
        return Retry(str(away), away.after_seconds)
    except ApiRefuses as refusal:
        return Failed(str(refusal))
