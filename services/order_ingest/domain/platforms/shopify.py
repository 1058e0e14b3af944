"""Shopify's REST webhook bodies, translated into canonical changes.

Source: shopify.dev, "Webhooks"; field quirks from captured bodies. All amounts are read in the shop's currency:
top-level `currency`, `price`, `total_price`; what the customer paid abroad (`presentment_money`) is left alone.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from services.order_ingest.domain.canonical import PAID_STATUSES
from services.order_ingest.domain.changes import (
    Cancellation,
    Change,
    OrderContent,
    OrderDeleted,
    OrderSeen,
    RefundSeen,
    Unheeded,
)
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import CustomerSeen
from services.order_ingest.domain.platforms import shopify_goods
from services.order_ingest.domain.platforms.amounts import amount
from services.order_ingest.domain.platforms.shopify_customer import consent_update, customer, merge, order_person
from services.order_ingest.domain.platforms.shopify_money import shipping_paid
from services.order_ingest.domain.platforms.shopify_parts import line, order_refunds, refund
from services.order_ingest.domain.platforms.shopify_privacy import PRIVACY_TOPICS, asked
from services.order_ingest.domain.platforms.shopify_product import PRODUCT_TOPICS, product
from services.order_ingest.domain.platforms.shopify_tags import TAG_TOPICS, all_tags, tags_changed
from services.order_ingest.domain.reading import (
    Object,
    each,
    flag,
    instant,
    microseconds,
    own_id,
    required,
    text,
)
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

ORDER_TOPICS: Final = frozenset(
    f"orders/{event}" for event in ("create", "updated", "paid", "cancelled", "fulfilled", "partially_fulfilled")
)
CUSTOMER_TOPICS: Final = frozenset(f"customers/{event}" for event in ("create", "update", "enable", "disable"))
CONSENT_TOPICS: Final[Mapping[str, str]] = {
    "customers_email_marketing_consent/update": "email",
    "customers_marketing_consent/update": "sms",
}
MERGE_TOPIC: Final = "customers/merge"
_SAMPLE_ID = "820982911946154508"
"""The id in every "send test notification" of Shopify's admin."""
_SHOP_IN_STATUS_URL = re.compile(r"^https://[^/]+/(\d+)/orders/")


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that a delivery of `arrival.topic` tells.

    Raises:
        Malformed: a field is missing, or the body is of another shop.
    """
    topic = arrival.topic or ""
    if topic in ORDER_TOPICS or topic == PULLED:
        return _order(body, storefront)
    if topic in shopify_goods.FULFILMENT_TOPICS:
        return shopify_goods.fulfilment_seen(body)
    _refuse_order_body(body)
    if topic == "orders/delete":
        return OrderDeleted(external_id=own_id(body, "id"), at=arrival.at)
    if topic == "refunds/create":
        return RefundSeen(
            order_external_id=own_id(body, "order_id"), refund=refund(body, storefront.currency, fallback_at=arrival.at)
        )
    if topic in shopify_goods.RETURN_TOPICS:
        return shopify_goods.return_seen(body, arrival)
    if topic == shopify_goods.FULFILMENT_EVENT:
        return shopify_goods.fulfilment_event(body, arrival)
    if topic in PRODUCT_TOPICS:
        return product(body, arrival, storefront)
    if topic in PRIVACY_TOPICS:
        return asked(topic, body, arrival, storefront)
    if topic in CUSTOMER_TOPICS | TAG_TOPICS or topic in CONSENT_TOPICS or topic == MERGE_TOPIC:
        return _people(topic, body, arrival, storefront)
    return Unheeded("ignored", f"nothing here listens to {topic[:64] or 'a delivery without topic'}")


def _people(topic: str, body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    if topic == MERGE_TOPIC:
        return merge(body)
    if topic in CONSENT_TOPICS:
        return consent_update(body, CONSENT_TOPICS[topic], arrival.at)
    if topic in TAG_TOPICS:
        return tags_changed(body, arrival)
    updated_at = instant(body, "updated_at") or arrival.at
    tags, remark = all_tags(body, updated_at)
    person = replace(customer(body, storefront.region), tags=tags)
    return CustomerSeen(updated_us=microseconds(updated_at), person=person, remark=remark)


def _order(body: Object, storefront: Storefront) -> OrderSeen | Unheeded:
    order_id = own_id(body, "id")
    if flag(body, "test") or order_id == _SAMPLE_ID:
        return Unheeded("test_order", "Shopify marks the order as a test")
    _check_shop(body, storefront)
    content = _content(body)
    updated_at = required(instant(body, "updated_at"), "updated_at")
    cancelled_at = instant(body, "cancelled_at")
    return OrderSeen(
        external_id=order_id,
        updated_us=microseconds(updated_at),
        content=content,
        person=order_person(body, storefront.region),
        refunds=order_refunds(body, content.currency, fallback_at=updated_at),
        fulfilments=tuple(shopify_goods.order_fulfilments(body)),
        # Bodies carry no time of payment: the earliest version that was paid stands for it.
        paid_at=updated_at if content.financial_status in PAID_STATUSES else None,
        cancelled=Cancellation(at=cancelled_at, reason=text(body, "cancel_reason")) if cancelled_at else None,
        remark=_difference(body, content),
    )


def _refuse_order_body(body: Object) -> None:
    # The topic stands in an unsigned header: whoever holds one signed order could send it again as orders/delete.
    if "line_items" in body:
        raise Malformed("is an order's body under another topic", "/line_items")


def _check_shop(body: Object, storefront: Storefront) -> None:
    # Only the body is signed, and one app secret signs for every shop: the shop inside the body must be this one.
    found = _SHOP_IN_STATUS_URL.match(text(body, "order_status_url") or "")
    if found and storefront.account.isdigit() and found[1] != storefront.account:
        raise Malformed("is the address of another shop", "/order_status_url")


def _content(body: Object) -> OrderContent:
    currency = required(text(body, "currency", length=3), "currency")
    return OrderContent(
        number=text(body, "name"),
        placed_at=required(instant(body, "processed_at") or instant(body, "created_at"), "created_at"),
        currency=currency,
        tax_included=flag(body, "taxes_included") or False,
        financial_status=text(body, "financial_status"),
        shipping_minor=shipping_paid(body, currency),
        tax_minor=amount(body, "total_tax", currency),
        discount_minor=amount(body, "total_discounts", currency),
        lines=tuple(each(body, "line_items", lambda item: line(item, currency))),
        channel=text(body, "source_name"),
        acquisition_source=text(body, "referring_site", length=200),
        coupon_codes=tuple(each(body, "discount_codes", lambda code: required(text(code, "code"), "code"))),
    )


def _difference(body: Object, content: OrderContent) -> str | None:
    # Tips, duties and cash rounding are in Shopify's total but in none of our parts: said, not swallowed.
    theirs = amount(body, "total_price", content.currency) - amount(body, "total_tip_received", content.currency)
    if theirs == content.total_minor:
        return None
    return f"total_price without tip is {theirs}, lines, shipping and tax make {content.total_minor} (minor units)"
