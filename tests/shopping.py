"""A customer's orders as the store's own hook and history imports take them."""

import json
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.chaos.sender import Hook
from tests.chaos.shop import Delivery


def order_document(name: str, number: int, *, placed_at: datetime) -> dict[str, Any]:
    """A paid order with a discount, partly refunded, as our own hook and imports take it."""
    refunded_at = text_of(placed_at + timedelta(hours=1))
    refund = {"line_id": "1", "quantity": 1, "amount_minor": 1000, "tax_minor": 0}
    return {
        "id": f"{name}-{number}",
        "number": f"#{number}",
        "updated_at": refunded_at,
        "placed_at": text_of(placed_at),
        "paid_at": text_of(placed_at + timedelta(minutes=1)),
        "financial_status": "partially_refunded",
        "currency": "EUR",
        "discount_codes": ["SPRING"],
        "shipping_minor": 500,
        "customer": {
            "id": "C-1",
            "email": address_of(name),
            "phone": f"+4915112345{len(name):03d}",
            "given_name": "Ann",
            "consents": [
                {"channel": "email", "state": "subscribed", "at": "2026-01-01T09:00:00Z", "source": "checkout"}
            ],
        },
        "lines": [
            {
                "id": "1",
                "product_id": "P-1",
                "title": "Mug",
                "quantity": 3,
                "unit_price_minor": 40_000,
                "discount_minor": 400,
                "total_minor": 119_600,
                "category_path": ["Kitchen", "Mugs"],
            }
        ],
        "refunds": [
            {
                "id": f"R-{number}",
                "at": text_of(placed_at + timedelta(hours=1)),
                "lines": [refund],
                "amount_minor": 1000,
            }
        ],
    }


async def deliver(hook: Hook, *events: Mapping[str, Any]) -> None:
    """The deliveries are stored."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        for event in events:
            delivery = Delivery(secrets.token_hex(8), "", json.dumps(event).encode())
            headers = hook.headers(delivery, int(time.time()))
            (await client.post(hook.url, content=delivery.body, headers=headers)).raise_for_status()


def address_of(name: str) -> str:
    """The e-mail address of the tenant's customer."""
    return f"ann.{name}@shop.example"


def text_of(instant: datetime) -> str:
    """The instant as JSON has it."""
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
