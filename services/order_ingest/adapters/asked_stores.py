"""The stores behind questions that are about to be asked, and what their answers mean for the question."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.effects import Done, Drop, Effect, Failed, Outcome, Retry
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.store_access import Reachable, reachable_stores
from services.order_ingest.application.store_apis import ApiAway, ApiError, ApiRefuses

A = TypeVar("A")


def _cannot_be_asked(platform: str) -> str:
    return f"nothing is asked of stores on {platform}"


class AskedStores(Generic[A]):
    """Looked up when questions are claimed, used when they are asked: no transaction is open then."""

    def __init__(self, apis: Mapping[str, A], vault: Vault, why_not: Callable[[str], str] = _cannot_be_asked) -> None:
        """`apis` by platform; of another platform `why_not` says why its stores are not asked."""
        self._apis = apis
        self._vault = vault
        self._why_not = why_not
        self._found: Mapping[int, Reachable] = {}

    async def find(self, connection: AsyncConnection, effects: Sequence[Effect]) -> Mapping[UUID, Drop]:
        """Which questions cannot be asked, since their store has no access or its platform no API that we know."""
        numbers = {int(effect.payload["store_no"]) for effect in effects}
        self._found = await reachable_stores(connection, numbers, self._vault)
        return {
            effect.effect_id: Drop(reason)
            for effect in effects
            if (reason := self._hindrance(int(effect.payload["store_no"]))) is not None
        }

    def _hindrance(self, store_no: int) -> str | None:
        store = self._found.get(store_no)
        if store is None:
            return "the store has no API access: PUT /v1/stores/{store_id}/access"
        return None if store.platform in self._apis else self._why_not(store.platform)

    def of(self, effect: Effect) -> tuple[Reachable, A]:
        """The question's store and the way to ask it."""
        store = self._found[int(effect.payload["store_no"])]
        return store, self._apis[store.platform]


async def answered(asking: Awaitable[Done]) -> Outcome:
    """The outcome of a question: a store that is away is asked again, one that refuses is not."""
    try:
        return await asking
    except ApiAway as away:
        return Retry(_printable(away), away.after_seconds)
    except ApiRefuses as refusal:
        return Failed(_printable(refusal))


def _printable(error: ApiError) -> str:
    """The reason as it can be stored: a shop's own error code may be in it, and a code may hold anything."""
    return "".join(each if each.isprintable() else "\ufffd" for each in str(error))
