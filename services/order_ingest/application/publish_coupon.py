"""A coupon for a shop's own checkout is made known there, and what became of that is told."""

from datetime import datetime
from uuid import UUID

from libs.contracts.coupons import CouponIssuedV1, CouponPublicationFailedV1, CouponPublishedV1
from libs.contracts.envelope import Cause, Event, Said
from libs.contracts.fact import Fact
from services.order_ingest.application.hearing import Hearing, Publication
from services.order_ingest.domain.coupon import Coupon


def publish_coupon(hearing: Hearing, event: Event[CouponIssuedV1]) -> None:
    """The code will be made at its store; of a coupon without a store nobody needs to know."""
    coupon = event.fact
    if coupon.store_id is None:
        return
    store = hearing.stores.get((event.merchant_id, coupon.store_id))
    if store is not None:
        hearing.publications.append(Publication(store=store, coupon=coupon, cause=event.as_cause()))
        return
    failed = publication_failed(coupon, "the merchant has no such store", coupon.issued_at)
    hearing.said.append(answer(failed, coupon.issued_at, event.merchant_id, event.as_cause()))


def terms_of(fact: CouponIssuedV1) -> Coupon:
    """What the code is good for."""
    return Coupon(
        coupon_id=fact.coupon_id,
        kind=fact.discount.kind,
        amount_minor=fact.discount.amount_minor,
        percent=fact.discount.percent,
        currency=fact.currency,
        minimum_minor=fact.minimum_minor,
        starts_at=fact.starts_at,
        ends_at=fact.ends_at,
    )


def published(coupon: CouponIssuedV1, external_id: str, at: datetime) -> CouponPublishedV1:
    """The store's checkout takes the code."""
    return CouponPublishedV1(
        customer_id=coupon.customer_id,
        coupon_id=coupon.coupon_id,
        store_id=_store_of(coupon),
        external_id=external_id,
        published_at=at,
    )


def publication_failed(coupon: CouponIssuedV1, reason: str, at: datetime) -> CouponPublicationFailedV1:
    """The store's checkout does not know the code, and nobody tries again."""
    return CouponPublicationFailedV1(
        customer_id=coupon.customer_id,
        coupon_id=coupon.coupon_id,
        store_id=_store_of(coupon),
        reason=reason,
        failed_at=at,
    )


def answer(fact: Fact, at: datetime, merchant_id: UUID, cause: Cause) -> Said:
    """The fact in answer to the coupon: its id follows from the coupon's, so that saying it twice is saying it once."""
    return Said(fact=fact, merchant_id=merchant_id, occurred_at=at, cause=cause)


def _store_of(coupon: CouponIssuedV1) -> UUID:
    assert coupon.store_id is not None, "only coupons with a store are published"
    return coupon.store_id
