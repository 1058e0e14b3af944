"""Orders of Magento 2 and Adobe Commerce as their REST API answers them, translated into canonical changes.

Magento Open Source calls nobody: orders are fetched. A document is {"order", "creditmemos", "shipments", "invoices"}:
the order with all that belongs to it. Source: developer.adobe.com/commerce/webapi, "Order processing tutorial";
`Magento\\Sales\\Api\\Data\\OrderInterface`. The order's `state` decides, not its `status`, which shops rename.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import Cancellation, Change, OrderContent, OrderSeen, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.magento_customer import order_person
from services.order_ingest.domain.platforms.magento_goods import refunds, shipments
from services.order_ingest.domain.platforms.magento_money import (
    CANCELED,
    Payment,
    discount_minor,
    financial_status,
    is_part_cancelled,
    is_settled,
    order_currency,
    payment,
    shipping_minor,
    tax_minor,
)
from services.order_ingest.domain.platforms.magento_parts import utc_instant
from services.order_ingest.domain.platforms.magento_rows import Sold, line, sold_rows
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    microseconds,
    moment,
    own_id,
    record,
    required,
    text,
)
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

_INVOICE_PAID: Final = frozenset({"2", None})
"""An invoice may also be open (1) or cancelled (3)."""


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The version of an order that a fetched document tells.

    Raises:
        Malformed: a field is missing, or not what is documented.
    """
    if arrival.topic != PULLED:
        named = (arrival.topic or "a delivery without topic")[:64]
        return Unheeded("ignored", f"nothing here listens to {named}: this platform is asked, it does not call")
    order = required(record(body, "order"), "order")
    paid_by = _last_invoice(body)
    try:
        seen, sold = _order(order, storefront, paid_by)
    except Malformed as complaint:
        raise complaint.under("order") from None
    return _with_goods(seen, body, sold)


def _order(order: Object, storefront: Storefront, paid_by: datetime | None) -> tuple[OrderSeen, Sequence[Sold]]:
    updated_at = required(utc_instant(order, "updated_at"), "updated_at")
    currency = order_currency(order)
    sold = sold_rows(order, currency, part_cancelled=is_part_cancelled(order))
    sums = payment(order, currency)
    content = _content(order, sold, currency, sums)
    seen = OrderSeen(
        external_id=own_id(order, "entity_id"),
        updated_us=microseconds(updated_at),
        content=content,
        person=order_person(order, storefront.region),
        paid_at=(paid_by or updated_at) if is_settled(order, sums) else None,
        # No field says when: the version's time stands for it, and merging keeps that of the earliest.
        cancelled=Cancellation(at=updated_at, reason=None) if text(order, "state") == CANCELED else None,
        remark=_difference(sums, content),
    )
    return seen, sold


def _with_goods(seen: OrderSeen, document: Object, sold: Sequence[Sold]) -> OrderSeen:
    updated_at = moment(seen.updated_us)
    return replace(
        seen,
        refunds=refunds(document, sold, seen.content, fallback_at=updated_at),
        fulfilments=shipments(document, sold, fallback_at=updated_at),
    )


def _last_invoice(document: Object) -> datetime | None:
    """When the last paid invoice was made, which made the sum full: it stands for the time of payment."""
    found = each(document, "invoices", lambda item: (external_id(item, "state"), utc_instant(item, "created_at")))
    return max((at for state, at in found if state in _INVOICE_PAID and at is not None), default=None)


def _content(order: Object, sold: Sequence[Sold], currency: str, sums: Payment) -> OrderContent:
    code = text(order, "coupon_code")
    return OrderContent(
        number=text(order, "increment_id"),
        placed_at=required(utc_instant(order, "created_at"), "created_at"),
        currency=currency,
        # Whether the catalogue's prices hold tax is the shop's setting, which no order says: rows always stand without.
        tax_included=False,
        financial_status=financial_status(order, sums),
        shipping_minor=shipping_minor(order, currency),
        tax_minor=tax_minor(order, sold, currency),
        discount_minor=discount_minor(order, currency),
        lines=tuple(line(each_sold, currency) for each_sold in sold),
        coupon_codes=(code,) if code else (),
    )


def _difference(sums: Payment, content: OrderContent) -> str | None:
    # Gift cards and store credit lower the total, gift wrapping raises it: said, not swallowed.
    if sums.owed == content.total_minor:
        return None
    return f"grand_total is {sums.owed}, rows, shipping and tax make {content.total_minor} (minor units)"
