"""The tasks that ask stores, a round at a time, and a store that may be asked."""

from collections.abc import Mapping
from typing import Any

import httpx

from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import EffectKind
from libs.servicekit.timers import TimerLoop
from services.order_ingest.adapters.books_questions import FETCH
from services.order_ingest.adapters.fetches import FetchOrders
from services.order_ingest.adapters.hook_restorations import RESTORE_HOOK, RestoreHooks
from services.order_ingest.adapters.pulls import PULL, BeginPulls, PullPages
from services.order_ingest.adapters.store_subscriptions import LIST_HOOKS, AskSubscriptions
from services.order_ingest.application.store_apis import HookApi, StoreApi, SubscriptionApi
from tests.services.order_ingest.conftest import ALL_SCOPES, VAULT, House, Shop, settings_of


class Clockwork:
    """Timers, questions and the normaliser of one house; the stores' APIs by platform."""

    def __init__(
        self,
        house: House,
        apis: Mapping[str, StoreApi],
        lists: Mapping[str, SubscriptionApi] | None = None,
        hooks: Mapping[str, HookApi] | None = None,
    ) -> None:
        self.house = house
        self.counted: list[tuple[str, str]] = []
        public_url = settings_of(house.urls).public_url
        self.timers = TimerLoop(house.worker, {PULL: BeginPulls().handle}, house.clock)
        kinds: dict[str, EffectKind] = {
            PULL: PullPages(apis, VAULT),
            FETCH: FetchOrders(apis, VAULT),
            LIST_HOOKS: AskSubscriptions(lists or {}, public_url, VAULT),
            RESTORE_HOOK: RestoreHooks(hooks or {}, public_url, VAULT, self._count),
        }
        self.sender = EffectSender(house.worker, kinds, house.clock)

    def _count(self, kind: str, outcome: str) -> None:
        self.counted.append((kind, outcome))

    async def run(self) -> None:
        """Everything that is due happens."""
        await self.house.normaliser.drain()
        await self.timers.run_due()
        while await self.sender.run_once():
            pass
        await self.house.normaliser.drain()

    async def send(self, shop: Shop, method: str, path: str, body: Any = None) -> httpx.Response:
        """A request about the shop, by its merchant."""
        headers = self.house.bearer(*ALL_SCOPES, merchant_id=shop.merchant_id)
        url = f"/v1/stores/{shop.store_id}{path}"
        return await self.house.client.request(method, url, json=body, headers=headers)

    async def reach(self, shop: Shop, *, origin: str | None = None, **secrets: str) -> dict[str, Any]:
        """The shop may be asked from now on."""
        answer = await self.send(shop, "PUT", "/access", {"origin": origin, "secrets": secrets})
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def shown(self, shop: Shop) -> dict[str, Any]:
        """How asking the shop went."""
        found: dict[str, Any] = await self.house.get(shop, f"/v1/stores/{shop.store_id}/access")
        return found
