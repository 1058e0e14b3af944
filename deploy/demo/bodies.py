"""Baskets in the words of others: our canonical order for history files, Shopify's JSON for webhooks."""

from datetime import datetime
from typing import Any

from deploy.demo.calendar import TIME_ZONE
from deploy.demo.households import CURRENCY, Basket, Line, consents

Json = dict[str, Any]


def email_of(household_id: int) -> str:
    """A synthetic address below a domain that can never receive mail."""
    return f"household-{household_id}@example.com"


def canonical_order(basket: Basket) -> Json:
    """A line of a history import: the order as it ended."""
    at = _utc(basket.placed_at)
    return {
        "id": str(basket.basket_id),
        "number": f"#{basket.basket_id}",
        "updated_at": at,
        "placed_at": at,
        "paid_at": at,
        "financial_status": "paid",
        "currency": CURRENCY,
        "customer": _canonical_customer(basket),
        "lines": [_canonical_line(line) for line in basket.lines],
    }


def shopify_order(basket: Basket, *, updated_at: datetime | None = None, **changed: Any) -> Json:
    """The body of orders/create and its kin; `changed` are the fields that a later version has otherwise."""
    discount = sum(line.discount_minor for line in basket.lines)
    return {
        "id": basket.basket_id,
        "name": f"#{basket.basket_id}",
        "email": email_of(basket.household_id),
        "created_at": _utc(basket.placed_at),
        "processed_at": _utc(basket.placed_at),
        "updated_at": _utc(updated_at or basket.placed_at),
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": CURRENCY,
        "financial_status": "paid",
        "total_price": _money(basket.total_minor),
        "subtotal_price": _money(basket.total_minor),
        "total_line_items_price": _money(basket.total_minor + discount),
        "total_discounts": _money(discount),
        "total_tax": "0.00",
        "taxes_included": False,
        "test": False,
        "discount_codes": [],
        "customer": shopify_customer(basket.household_id),
        "line_items": [_shopify_line(line) for line in basket.lines],
        "shipping_lines": [],
        "refunds": [],
        **changed,
    }


def shopify_customer(household_id: int) -> Json:
    """The customer inside an order's body."""
    return {
        "id": household_id,
        "email": email_of(household_id),
        "first_name": "Household",
        "last_name": str(household_id),
    }


def shopify_consent(household_id: int, at: datetime) -> Json:
    """The body of customers_email_marketing_consent/update: the customer agreed."""
    return {
        "customer_id": household_id,
        "email_address": email_of(household_id),
        "email_marketing_consent": {
            "state": "subscribed",
            "opt_in_level": "single_opt_in",
            "consent_updated_at": _utc(at),
        },
    }


def shopify_refund(basket: Basket, line: Line, *, quantity: int, amount_minor: int, at: datetime) -> Json:
    """The body of refunds/create for some items of one line."""
    return {
        "id": basket.basket_id * 10 + 1,
        "order_id": basket.basket_id,
        "created_at": _utc(at),
        "processed_at": _utc(at),
        "note": "damaged",
        "refund_line_items": [
            {
                "id": basket.basket_id * 10 + 2,
                "line_item_id": line.product_id,
                "quantity": quantity,
                "subtotal": _money(amount_minor),
                "total_tax": "0.00",
            }
        ],
        "order_adjustments": [],
        "transactions": [
            {
                "id": basket.basket_id * 10 + 3,
                "kind": "refund",
                "status": "success",
                "amount": _money(amount_minor),
                "currency": CURRENCY,
            }
        ],
    }


def _canonical_customer(basket: Basket) -> Json:
    customer: Json = {
        "id": str(basket.household_id),
        "email": email_of(basket.household_id),
        "given_name": "Household",
        "family_name": str(basket.household_id),
    }
    if basket.is_first:
        customer["time_zone"] = TIME_ZONE
        if consents(basket.household_id):
            consent = {"channel": "email", "state": "subscribed", "at": _utc(basket.placed_at), "source": "history"}
            customer["consents"] = [consent]
    return customer


def _canonical_line(line: Line) -> Json:
    return {
        "id": str(line.product_id),
        "product_id": str(line.product_id),
        "title": line.title,
        "brand": line.brand,
        "category_path": line.category_path,
        "quantity": line.quantity,
        "discount_minor": line.discount_minor,
        "total_minor": line.total_minor,
    }


def _shopify_line(line: Line) -> Json:
    taken_off = (
        [{"amount": _money(line.discount_minor), "discount_application_index": 0}] if line.discount_minor else []
    )
    return {
        "id": line.product_id,
        "product_id": line.product_id,
        "title": line.title,
        "vendor": line.brand,
        "quantity": line.quantity,
        "price": _money(line.unit_price_minor),
        "discount_allocations": taken_off,
        "gift_card": False,
        "tax_lines": [],
    }


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def _utc(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
