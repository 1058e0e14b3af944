"""Facts of other services as order-ingest hears them, and the sender that tells stores about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from libs.contracts.coupons import CouponIssuedV1, Discount
from libs.contracts.customers import ConsentProof
from libs.contracts.envelope import Envelope, Event
from libs.contracts.fact import Fact
from libs.contracts.messaging import ConsentChangedV1
from libs.contracts.registry import SOURCES
from libs.eventbus.subscriptions import AnyEvent, fold
from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import EffectKind
from services.order_ingest.adapters.coupons import PUBLISH, PublishCoupons
from services.order_ingest.adapters.hearings import PostgresHearings
from services.order_ingest.adapters.withdrawals import WITHDRAW, PushWithdrawals
from services.order_ingest.application.store_apis import CodeApi, ConsentApi
from services.order_ingest.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.services.order_ingest.conftest import SEALER, VAULT, House, Shop

CODE = "THANKS-7Q2M"


def event(fact: Fact, merchant_id: UUID, *, event_id: UUID | None = None, source: str | None = None) -> AnyEvent:
    """The fact as its owner told it; `source` of one that every owner may tell."""
    at = datetime.fromisoformat("2026-05-02T10:15:05+00:00")
    envelope = Envelope(
        id=event_id or uuid4(),
        source=source or SOURCES[fact.TOPIC],
        type=fact.TYPE,
        subject=fact.subject,
        merchant_id=merchant_id,
        occurred_at=at,
        recorded_at=at,
        origin="live",
        correlation_id="c-1",
    )
    return Event(envelope, fact)


def coupon(house: House, shop: Shop | None, **changes: Any) -> CouponIssuedV1:
    """Ten percent off for a customer, at the shop's own checkout."""
    now = house.clock.now()
    stated = {
        "customer_id": uuid4(),
        "coupon_id": uuid4(),
        "store_id": shop.store_id if shop else None,
        "code_hash": "h",
        "code_sealed": SEALER.seal({"code": CODE}),
        "discount": Discount(kind="percentage", percent=Decimal(10)),
        "currency": "USD",
        "starts_at": now,
        "ends_at": now + timedelta(days=30),
        "issued_at": now,
    }
    return CouponIssuedV1(**{**stated, **changes})


def withdrawn(customer_id: UUID, at: datetime, **changes: Any) -> ConsentChangedV1:
    """The customer wants no marketing by e-mail any more."""
    stated = {
        "customer_id": customer_id,
        "channel": "email",
        "topic": "marketing",
        "from_state": "subscribed",
        "to_state": "unsubscribed",
        "proof": ConsentProof(source="unsubscribe_link", at=at),
        "at": at,
    }
    return ConsentChangedV1(**{**stated, **changes})


@dataclass
class Ears:
    """The consumer's handler and the sender of one house, with the stores' APIs by platform."""

    house: House
    codes: Mapping[str, CodeApi] = field(default_factory=dict)
    consents: Mapping[str, ConsentApi] = field(default_factory=dict)
    counted: list[tuple[str, str]] = field(default_factory=list)

    async def hear(self, *events: AnyEvent) -> None:
        """One batch is folded and committed."""
        handle = fold(PostgresHearings(VAULT, SEALER, self.house.clock), SUBSCRIPTIONS)
        async with self.house.worker.begin() as uow:
            await handle(uow, events)

    async def settle(self) -> None:
        """Every effect that is due is settled or put off."""
        while await self.sender().run_once():
            pass

    async def pass_time(self, **span: float) -> None:
        """Time passes, and what is due then happens."""
        self.house.clock.set(self.house.clock.now() + timedelta(**span))
        await self.settle()

    def sender(self, wrap: Callable[[CodeApi], CodeApi] = lambda api: api) -> EffectSender:
        apis = {platform: wrap(api) for platform, api in self.codes.items()}
        kinds: dict[str, EffectKind] = {
            PUBLISH: PublishCoupons(apis, SEALER, VAULT, self.house.clock, self._count),
            WITHDRAW: PushWithdrawals(self.consents, VAULT, self._count),
        }
        return EffectSender(self.house.worker, kinds, self.house.clock)

    def _count(self, kind: str, outcome: str) -> None:
        self.counted.append((kind, outcome))

    async def told(self) -> list[Fact]:
        """What was told about coupons."""
        return await self.house.facts("coupon.published", "coupon.publication_failed")
