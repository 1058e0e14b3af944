"""Codes made at stores, as effects: one for each coupon.

A code is opened for the call alone: rows, logs and errors hold it sealed or not at all. A call whose outcome nobody
knows is repeated, and begins by looking whether the code is there.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.coupons import CouponIssuedV1
from libs.contracts.envelope import Cause
from libs.contracts.fact import Fact
from libs.kernel.identifiers import derived_id
from libs.servicekit.clock import Clock
from libs.servicekit.effects import Admission, Done, Effect, Failed, Outcome, request_effects
from libs.servicekit.errors import SealBroken
from libs.servicekit.logs import logger
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.application.hearing import Publication
from services.order_ingest.application.publish_coupon import answer, publication_failed, published, terms_of
from services.order_ingest.application.store_apis import Access, ApiRefuses, CodeApi, CodeTaken
from services.order_ingest.domain.coupon import Coupon, objection, without_codes

PUBLISH: Final = "coupon.publish"
_log = logger(__name__)

Counted = Callable[[str, str], None]
"""Counts one answer of a store by kind and outcome."""


class Opener(Protocol):
    """Opens what another service sealed. Raises: SealBroken."""

    def open(self, token: str) -> Mapping[str, str]: ...


async def request_publications(connection: AsyncConnection, publications: Sequence[Publication], now: datetime) -> None:
    """The codes will be made; a coupon that was asked for before is left alone."""
    await request_effects(connection, [_effect(publication) for publication in publications], now)


def _effect(publication: Publication) -> Effect:
    coupon, cause, store = publication.coupon, publication.cause, publication.store
    payload = {
        "store_no": store.store_no,
        "store_id": str(store.store_id),
        "coupon": coupon.model_dump(mode="json"),
        "cause": {
            "id": str(cause.id),
            "origin": cause.origin,
            "correlation_id": cause.correlation_id,
            "traceparent": cause.traceparent,
        },
    }
    effect_id = derived_id(coupon.coupon_id, PUBLISH)
    return Effect(store.merchant_no, effect_id, PUBLISH, str(coupon.coupon_id), payload)


class PublishCoupons:
    """Effects of the kind `coupon.publish`; each ends in a fact."""

    repeats_unknown = True
    max_attempts = 40

    def __init__(
        self, apis: Mapping[str, CodeApi], seals: Opener, vault: Vault, clock: Clock, counted: Counted
    ) -> None:
        self._stores = AskedStores(apis, vault, without_codes)
        self._seals = seals
        self._clock = clock
        self._counted = counted

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """All but those of stores at which no code can be made."""
        dropped = await self._stores.find(uow.connection, effects)
        made = [effect.effect_id for effect in effects if effect.effect_id not in dropped]
        return Admission(dropped, frozenset(made[at_most:]))

    async def call(self, effect: Effect) -> Outcome:
        """The code is at the store, once."""
        store, api = self._stores.of(effect)
        fact = _coupon_of(effect)
        terms = terms_of(fact)
        if reason := objection(terms, store_currency=store.currency, now=self._clock.now()):
            return Failed(reason)
        try:
            code = self._seals.open(fact.code_sealed)["code"]
        except (SealBroken, KeyError):
            return Failed("the code does not open")
        return await answered(_made(api, store.access, terms, code, again=effect.attempts > 0))

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """What became of each code is told, in the transaction that settles it."""
        for effect, outcome in outcomes:
            if isinstance(outcome, Done):
                fact: Fact = published(_coupon_of(effect), str(outcome.result["external_id"]), now)
                self._counted(PUBLISH, "done")
            else:
                fact = publication_failed(_coupon_of(effect), outcome.reason, now)
                self._counted(PUBLISH, "failed")
                named = {"effect_id": str(effect.effect_id), "store_id": effect.payload["store_id"]}
                _log.warning("coupon_publication_failed", **named, reason=outcome.reason)
            uow.say(answer(fact, now, _merchant_of(effect), _cause_of(effect)))


async def _made(api: CodeApi, access: Access, coupon: Coupon, code: str, *, again: bool) -> Done:
    known = await api.own_code(access, coupon, code) if again else None
    if known is None:
        try:
            known = await api.make_code(access, coupon, code)
        except CodeTaken:
            known = await api.own_code(access, coupon, code)
    if known is None:
        raise ApiRefuses("the code belongs to a discount of the store that is not ours")
    return Done({"external_id": known})


def _coupon_of(effect: Effect) -> CouponIssuedV1:
    return CouponIssuedV1.model_validate(effect.payload["coupon"])


def _cause_of(effect: Effect) -> Cause:
    told: Mapping[str, Any] = effect.payload["cause"]
    return Cause(
        id=UUID(told["id"]),
        origin=told["origin"],
        correlation_id=told["correlation_id"],
        traceparent=told["traceparent"],
    )


def _merchant_of(effect: Effect) -> UUID:
    assert effect.merchant_id is not None, "the sender names the merchant of what it claimed"
    return effect.merchant_id
