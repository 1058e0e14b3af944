"""WooCommerce's REST v3 webhook bodies, translated into canonical changes.

Source: woocommerce.github.io/woocommerce-rest-api-docs, "Orders", "Customers", "Products", "Webhooks";
class-wc-webhook.php.
There is no topic for a payment, a refund or a cancellation: the order's status and its `refunds` tell them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import (
    Cancellation,
    Change,
    LineQuantity,
    Movement,
    OrderContent,
    OrderDeleted,
    OrderSeen,
    Refund,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, currency_of
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.platforms.woocommerce_customer import customer_seen, order_person
from services.order_ingest.domain.platforms.woocommerce_parts import fee, line, refund, site_instant
from services.order_ingest.domain.platforms.woocommerce_product import PRODUCT_DELETED, PRODUCT_TOPICS, deleted, product
from services.order_ingest.domain.reading import Object, each, microseconds, own_id, record, required, text
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

ORDER_TOPICS: Final = frozenset({"order.created", "order.updated", "order.restored"})
ORDER_DELETED: Final = "order.deleted"
CUSTOMER_TOPICS: Final = frozenset({"customer.created", "customer.updated"})
_WHOLE_ORDERS: Final = ORDER_TOPICS | {PULLED}
_HEEDED: Final = _WHOLE_ORDERS | CUSTOMER_TOPICS | PRODUCT_TOPICS | {ORDER_DELETED, PRODUCT_DELETED}
_DRAFTS: Final = frozenset({"checkout-draft", "auto-draft"})
_UNPAID: Final = frozenset({"pending", "on-hold", "failed"})
_PAID: Final = frozenset({"completed", "refunded"})
"""In every other status only the date of payment says whether money came: one that is paid on delivery is
`processing` without a date. Source: `WC_Order::maybe_set_date_paid`."""
_WHOLE_ORDER: Final = "order"
"""The one fulfilment's id: WooCommerce knows no parcels, only orders that are completed."""


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that a delivery of `arrival.topic` tells.

    Raises:
        Malformed: a field is missing, or the shop sent an error instead of what the topic promises.
    """
    topic = arrival.topic or ""
    if topic not in _HEEDED:
        return Unheeded("ignored", f"nothing here listens to {topic[:64] or 'a delivery without topic'}")
    if "id" in body:
        return _change(topic, body, arrival, storefront)
    _refuse_error(body)
    # The legacy API's hooks wrap their object in its name.
    wrapper = topic.partition(".")[0]
    if wrapper not in body:
        raise Malformed("is missing", "/id")
    inner = required(record(body, wrapper), wrapper)
    try:
        return _change(topic, inner, arrival, storefront)
    except Malformed as complaint:
        raise complaint.under(wrapper) from None


def _refuse_error(body: Object) -> None:
    # Bodies are made with the rights of whoever set up the hook: without them the shop signs and sends its refusal.
    if "code" in body and "message" in body:
        raise Malformed(f"is an error that the shop sent in place of the object: {text(body, 'code')}", "/code")


def _change(topic: str, body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    if topic in _WHOLE_ORDERS:
        return _order(body, storefront)
    if "line_items" in body:
        # The topic stands in an unsigned header: whoever holds one signed order could send it again as order.deleted.
        raise Malformed("is an order's body under another topic", "/line_items")
    if topic in PRODUCT_TOPICS:
        return product(body, arrival, storefront)
    if topic == PRODUCT_DELETED:
        return deleted(body)
    if "catalog_visibility" in body:
        raise Malformed("is a product's body under another topic", "/catalog_visibility")
    if topic in CUSTOMER_TOPICS:
        return customer_seen(body, storefront, fallback_at=arrival.at)
    return OrderDeleted(external_id=own_id(body), at=arrival.at)


def _order(body: Object, storefront: Storefront) -> OrderSeen | OrderDeleted | Unheeded:
    status = required(text(body, "status", length=64), "status")
    if status in _DRAFTS:
        return Unheeded("ignored", f"the order is a {status}")
    updated_at = required(site_instant(body, "date_modified", storefront.time_zone), "date_modified_gmt")
    if status == "trash":
        return OrderDeleted(external_id=own_id(body), at=updated_at)
    return _order_seen(body, storefront, status, updated_at)


def _order_seen(body: Object, storefront: Storefront, status: str, updated_at: datetime) -> OrderSeen:
    currency = currency_of(body)
    # Refunds inside an order carry no time: merging keeps that of the earliest version which has them.
    refunds = tuple(each(body, "refunds", lambda item: refund(item, currency, at=updated_at)))
    paid_at = _paid_at(body, storefront, status, updated_at)
    financial_status = _financial_status(status, paid_at, refunds)
    content = _content(body, storefront, currency=currency, financial_status=financial_status)
    return OrderSeen(
        external_id=own_id(body),
        updated_us=microseconds(updated_at),
        content=content,
        person=order_person(body, storefront.region),
        refunds=tuple(spread(back, content) for back in refunds),
        fulfilments=tuple(_sent(body, storefront, status, updated_at, content)),
        paid_at=paid_at,
        cancelled=Cancellation(at=updated_at, reason=None) if status == "cancelled" else None,
        remark=_difference(body, content),
    )


def _paid_at(body: Object, storefront: Storefront, status: str, updated_at: datetime) -> datetime | None:
    if status in _UNPAID:
        return None
    paid_at = site_instant(body, "date_paid", storefront.time_zone)
    return paid_at or (updated_at if status in _PAID else None)


def _financial_status(status: str, paid_at: datetime | None, refunds: Sequence[Refund]) -> str:
    if status == "refunded":
        return status
    if paid_at is None:
        return "voided" if status == "cancelled" else "pending"
    # A refund of nothing puts goods back on the shelf: the money is all still there.
    return "partially_refunded" if any(back.amount_minor for back in refunds) else "paid"


def _content(body: Object, storefront: Storefront, *, currency: str, financial_status: str) -> OrderContent:
    lines = each(body, "line_items", lambda item: line(item, currency))
    fees = each(body, "fee_lines", lambda item: fee(item, currency))
    return OrderContent(
        number=text(body, "number"),
        placed_at=required(site_instant(body, "date_created", storefront.time_zone), "date_created_gmt"),
        currency=currency,
        # `prices_include_tax` is about the shop's catalogue: an order's parts always stand without their tax.
        # Source: woocommerce/woocommerce#17276.
        tax_included=False,
        financial_status=financial_status,
        shipping_minor=amount(body, "shipping_total", currency),
        tax_minor=amount(body, "total_tax", currency),
        discount_minor=amount(body, "discount_total", currency),
        lines=(*lines, *fees),
        channel=text(body, "created_via"),
        coupon_codes=tuple(code for code in each(body, "coupon_lines", lambda item: text(item, "code")) if code),
    )


def _sent(
    body: Object, storefront: Storefront, status: str, updated_at: datetime, content: OrderContent
) -> Iterator[Movement]:
    completed_at = site_instant(body, "date_completed", storefront.time_zone)
    # The date outlives its status. A failed delivery is never repeated, so `completed` itself may not have come.
    if completed_at is not None or status == "completed":
        pieces = tuple(LineQuantity(item.external_id, item.quantity) for item in content.lines if item.quantity)
        yield Movement(external_id=_WHOLE_ORDER, began_at=completed_at or updated_at, lines=pieces)


def _difference(body: Object, content: OrderContent) -> str | None:
    # Shops that round taxes once per order are a unit away from the sum of their rounded lines: said, not swallowed.
    theirs = amount(body, "total", content.currency)
    if theirs == content.total_minor:
        return None
    return f"total is {theirs}, lines, fees, shipping and tax make {content.total_minor} (minor units)"
