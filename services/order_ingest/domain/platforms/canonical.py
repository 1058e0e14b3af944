"""Our own JSON (`domain/canonical.py` describes it), translated into canonical changes."""

from datetime import datetime

from services.order_ingest.domain.canonical import (
    CONSENT_CAPTURED,
    CUSTOMER_TYPES,
    DEPENDANT_RECORDED,
    FINANCIAL_STATUSES,
    FULFILMENT_TYPES,
    ORDER_DELETED,
    ORDER_TYPES,
    PAID_STATUSES,
    PRODUCT_TYPES,
    REFUND_CREATED,
    RETURN_TYPES,
)
from services.order_ingest.domain.changes import (
    Cancellation,
    Change,
    FulfilmentSeen,
    Line,
    OrderContent,
    OrderDeleted,
    OrderSeen,
    Refund,
    RefundLine,
    RefundSeen,
    ReturnSeen,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import CustomerSeen
from services.order_ingest.domain.platforms.amounts import currency_of
from services.order_ingest.domain.platforms.canonical_customer import consent_seen, person
from services.order_ingest.domain.platforms.canonical_dependants import dependant
from services.order_ingest.domain.platforms.canonical_goods import fulfilment, returned
from services.order_ingest.domain.platforms.canonical_happenings import KINDS, happening
from services.order_ingest.domain.platforms.canonical_privacy import PRIVACY_TYPES, privacy_request
from services.order_ingest.domain.platforms.canonical_product import category_type, product
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    flag,
    instant,
    integer,
    microseconds,
    own_id,
    record,
    required,
    text,
    texts,
)
from services.order_ingest.domain.refunds import SUMMARY
from services.order_ingest.domain.storefront import Arrival, Storefront


def parse(body: Object, arrival: Arrival, storefront: Storefront | None = None) -> Change:
    """The change that the envelope tells, or a bare order; it says all itself, so the store does not matter.

    Raises:
        Malformed: a field is missing or is not what the format says.
    """
    if "type" not in body or "data" not in body:
        return order(body)
    kind = required(text(body, "type"), "type")
    content = required(record(body, "data"), "data")
    try:
        return _event(kind, content, required(instant(body, "timestamp") or arrival.at, "timestamp"))
    except Malformed as complaint:
        raise complaint.under("data") from None


def _event(kind: str, content: Object, at: datetime) -> Change:
    if kind in ORDER_TYPES:
        return order(content)
    if kind == ORDER_DELETED:
        return OrderDeleted(external_id=own_id(content, "id"), at=instant(content, "deleted_at") or at)
    if kind == REFUND_CREATED:
        return RefundSeen(order_external_id=own_id(content, "order_id"), refund=refund(content))
    if kind in FULFILMENT_TYPES:
        return FulfilmentSeen(order_external_id=own_id(content, "order_id"), fulfilment=fulfilment(content))
    if kind in RETURN_TYPES:
        return ReturnSeen(order_external_id=own_id(content, "order_id"), returned=returned(content))
    if kind in CUSTOMER_TYPES:
        updated_at = required(instant(content, "updated_at"), "updated_at")
        return CustomerSeen(updated_us=microseconds(updated_at), person=person(content))
    if kind in PRODUCT_TYPES:
        return product(content)
    if kind in KINDS:
        return happening(kind, content)
    if kind == DEPENDANT_RECORDED:
        return dependant(content)
    if kind in PRIVACY_TYPES:
        return privacy_request(kind, content)
    if kind == CONSENT_CAPTURED:
        return consent_seen(content)
    return Unheeded("ignored", f"nothing here listens to {kind[:64]}")


def order(source: Object) -> OrderSeen | Unheeded:
    """One version of a whole order."""
    if flag(source, "test"):
        return Unheeded("test_order", "the sender marks the order as a test")
    content = _content(source)
    stated = source.get("total_minor")
    if stated is not None and stated != content.total_minor:
        raise Malformed(f"is {stated}, but lines, shipping and tax make {content.total_minor}", "/total_minor")
    updated_us = microseconds(required(instant(source, "updated_at"), "updated_at"))
    cancelled_at = instant(source, "cancelled_at")
    return OrderSeen(
        external_id=own_id(source, "id"),
        updated_us=updated_us,
        content=content,
        person=person(record(source, "customer") or {}),
        refunds=tuple(_known_by_sum(found, content) for found in each(source, "refunds", refund)),
        fulfilments=tuple(each(source, "fulfilments", fulfilment)),
        returns=tuple(each(source, "returns", returned)),
        paid_at=_paid_at(source, content),
        cancelled=Cancellation(at=cancelled_at, reason=text(source, "cancel_reason")) if cancelled_at else None,
    )


def _known_by_sum(found: Refund, content: OrderContent) -> Refund:
    return spread(found, content) if found.external_id == SUMMARY and not found.lines else found


def _paid_at(source: Object, content: OrderContent) -> datetime | None:
    paid_at = instant(source, "paid_at")
    if paid_at is None and content.financial_status in PAID_STATUSES:
        return required(instant(source, "updated_at"), "updated_at")
    return paid_at


def _content(source: Object) -> OrderContent:
    lines = tuple(each(source, "lines", _line))
    status = text(source, "financial_status")
    if status is not None and status not in FINANCIAL_STATUSES:
        raise Malformed(f"must be one of {', '.join(sorted(FINANCIAL_STATUSES))}", "/financial_status")
    acquisition = record(source, "acquisition") or {}
    return OrderContent(
        number=text(source, "number"),
        placed_at=required(instant(source, "placed_at"), "placed_at"),
        currency=currency_of(source),
        tax_included=flag(source, "tax_included") or False,
        financial_status=status,
        shipping_minor=integer(source, "shipping_minor", 0),
        tax_minor=integer(source, "tax_minor", sum(line.tax_minor for line in lines)),
        discount_minor=integer(source, "discount_minor", sum(line.discount_minor for line in lines)),
        lines=lines,
        channel=text(source, "channel"),
        acquisition_source=text(acquisition, "source"),
        acquisition_cost_minor=_optional(acquisition, "cost_minor"),
        coupon_codes=texts(source, "discount_codes"),
        points_used=integer(source, "points_used", 0, least=0),
    )


def _line(source: Object) -> Line:
    quantity = integer(source, "quantity", least=0)
    total = integer(source, "total_minor")
    discount = integer(source, "discount_minor", 0)
    unit_price = _optional(source, "unit_price_minor")
    return Line(
        external_id=own_id(source, "id"),
        product_id=external_id(source, "product_id"),
        title=required(text(source, "title"), "title"),
        quantity=quantity,
        # Rounded down: a price of three for 10.00 is a description, never the base of a sum.
        unit_price_minor=(total + discount) // max(quantity, 1) if unit_price is None else unit_price,
        total_minor=total,
        discount_minor=discount,
        tax_minor=integer(source, "tax_minor", 0),
        gift_card=flag(source, "gift_card") or False,
        variant=text(source, "variant"),
        unit_cost_minor=_optional(source, "unit_cost_minor"),
        brand=text(source, "brand"),
        category_path=texts(source, "category_path"),
        material=text(source, "material"),
        category_type=category_type(source),
        units=_optional(source, "units"),
    )


def refund(source: Object) -> Refund:
    """One refund; without `amount_minor` it is what its parts add up to."""
    lines = tuple(each(source, "lines", _refund_line))
    shipping = integer(source, "shipping_minor", 0, least=0)
    return Refund(
        external_id=own_id(source, "id"),
        at=required(instant(source, "at"), "at"),
        lines=lines,
        shipping_minor=shipping,
        amount_minor=integer(source, "amount_minor", shipping + sum(line.amount_minor for line in lines), least=0),
        reason=text(source, "reason"),
    )


def _refund_line(source: Object) -> RefundLine:
    return RefundLine(
        line_id=own_id(source, "line_id"),
        quantity=integer(source, "quantity", least=0),
        amount_minor=integer(source, "amount_minor", least=0),
        tax_minor=integer(source, "tax_minor", 0, least=0),
    )


def _optional(source: Object, name: str) -> int | None:
    return integer(source, name) if source.get(name) is not None else None
