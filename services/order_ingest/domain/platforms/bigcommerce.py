"""BigCommerce's hooks, and orders fetched from its API with what belongs to them, translated into canonical changes.

Source: developer.bigcommerce.com, "Orders V2", "Orders V3", "Webhook Events". A fetched document holds the `order` and
its `products`, `refunds`, `shipments` and `coupons`, as far as the order has any.

Amounts stand in pairs with and without tax. Those without are read, with the tax apart: only so do lines of shops that
enter prices with tax compare with those of shops that do not. They are in the currency that the shopper paid in.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import (
    Cancellation,
    Change,
    Line,
    LineQuantity,
    Movement,
    OrderContent,
    OrderSeen,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, currency_of, decimal, minor
from services.order_ingest.domain.platforms.bigcommerce_hooks import touched
from services.order_ingest.domain.platforms.bigcommerce_parts import (
    fee,
    inside,
    line,
    person,
    rfc2822,
    shipment,
    wrapping,
)
from services.order_ingest.domain.platforms.bigcommerce_refunds import refund
from services.order_ingest.domain.platforms.bigcommerce_states import (
    financial_status,
    is_cancelled,
    is_paid,
    is_placed,
    is_shipped,
)
from services.order_ingest.domain.reading import Object, each, microseconds, own_id, record, required, text
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

_WHOLE_ORDER: Final = "order"
"""The one fulfilment's id of an order that is said to be shipped and lists no parcels."""


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that a hook, or under the topic PULLED a fetched document, tells.

    Raises:
        Malformed: a field is missing, or the hook is another store's.
    """
    if arrival.topic != PULLED:
        return touched(body, arrival, storefront)
    order = required(record(body, "order"), "order")
    with inside("order"):
        own_id(order)
        updated_at = required(rfc2822(order, "date_modified"), "date_modified")
        if not is_placed(order):
            return Unheeded("ignored", "the checkout was not completed: no order was placed yet")
    return _order_seen(body, order, storefront, updated_at)


def _order_seen(body: Object, order: Object, storefront: Storefront, updated_at: datetime) -> OrderSeen:
    content = _content(body, order)
    refunds = tuple(back for back in each(body, "refunds", lambda item: refund(item, content, updated_at)) if back)
    if refunds and content.financial_status == "paid":
        # Staff may set any status again after a refund.
        content = replace(content, financial_status="partially_refunded")
    fulfilments = tuple(_fulfilments(body, order, content, updated_at))
    with inside("order"):
        return OrderSeen(
            external_id=own_id(order),
            updated_us=microseconds(updated_at),
            content=content,
            person=person(order, storefront.region),
            refunds=refunds,
            fulfilments=fulfilments,
            # No order says when it was paid or cancelled: the earliest version that was stands for it.
            paid_at=updated_at if is_paid(order) else None,
            cancelled=Cancellation(at=updated_at, reason=None) if is_cancelled(order) else None,
            remark=_difference(order, content),
        )


def _content(body: Object, order: Object) -> OrderContent:
    with inside("order"):
        currency = _currency(order)
    lines = tuple(each(body, "products", lambda item: line(item, currency)))
    codes = tuple(code for code in each(body, "coupons", lambda item: text(item, "code")) if code)
    with inside("order"):
        sending = decimal(order, "shipping_cost_ex_tax") + decimal(order, "handling_cost_ex_tax")
        return OrderContent(
            number=own_id(order),
            placed_at=required(rfc2822(order, "date_created"), "date_created"),
            currency=currency,
            tax_included=False,
            financial_status=financial_status(order),
            shipping_minor=minor(sending, currency, "shipping_cost_ex_tax"),
            tax_minor=amount(order, "total_tax", currency),
            discount_minor=amount(order, "discount_amount", currency) + amount(order, "coupon_discount", currency),
            lines=(*lines, *_fees(order, currency), *wrapping(order, currency)),
            channel=text(order, "order_source"),
            coupon_codes=codes,
        )


def _currency(order: Object) -> str:
    # `currency_code` is what prices were shown in; the shopper pays in the other one.
    name = "default_currency_code" if text(order, "default_currency_code") else "currency_code"
    try:
        return currency_of({"currency": order.get(name)})
    except Malformed as complaint:
        raise Malformed(complaint.detail, f"/{name}") from None


def _fees(order: Object, currency: str) -> Iterator[Line]:
    # Fees that nobody asked for are a link to them.
    if not isinstance(order.get("fees"), dict):
        yield from each(order, "fees", lambda item: fee(item, currency))


def _fulfilments(body: Object, order: Object, content: OrderContent, updated_at: datetime) -> Iterator[Movement]:
    parcels = tuple(each(body, "shipments", lambda item: shipment(item, updated_at)))
    yield from parcels
    with inside("order"):
        shipped_at = rfc2822(order, "date_shipped") or (updated_at if is_shipped(order) else None)
    # A status can be set by hand, without any parcel.
    if shipped_at is not None and not parcels:
        pieces = tuple(LineQuantity(item.external_id, item.quantity) for item in content.lines if item.quantity)
        yield Movement(external_id=_WHOLE_ORDER, began_at=shipped_at, lines=pieces)


def _difference(order: Object, content: OrderContent) -> str | None:
    # Totals can be set by hand, and tax is rounded once per line or once per order: said, not swallowed.
    theirs = amount(order, "total_inc_tax", content.currency)
    if theirs == content.total_minor:
        return None
    return f"total_inc_tax is {theirs}, lines, fees, shipping and tax make {content.total_minor} (minor units)"
