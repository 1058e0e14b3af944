"""The last days as Shopify would tell them: signed webhooks, with a fixed few per cent of refunds and cancellations."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from deploy.demo.bodies import shopify_consent, shopify_order, shopify_refund
from deploy.demo.households import Basket, Line, consents, lot

REFUND_SHARE: Final = 0.03
CANCELLATION_SHARE: Final = 0.015
RETURN_DELAY: Final = timedelta(minutes=30)
_NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:huitou:demo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook. Its id depends on what it tells only, so a second run of the demo repeats the same ones."""

    at: datetime
    household_id: int
    topic: str
    body: bytes
    webhook_id: str

    def headers(self, *, domain: str, secret: str) -> Mapping[str, str]:
        """Shopify's headers, signed over the body's bytes."""
        signature = hmac.new(secret.encode(), self.body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": self.topic,
            "X-Shopify-Shop-Domain": domain,
            "X-Shopify-Hmac-Sha256": base64.b64encode(signature).decode(),
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Triggered-At": self.at.isoformat(),
            "X-Shopify-API-Version": "2026-04",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialRefund:
    """Some items of one line were given back."""

    line: Line
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The whole order was called off."""


def planned_return(basket: Basket, *, last_at: datetime) -> PartialRefund | Cancellation | None:
    """What happens to the order half an hour after it was placed: nothing to most.

    Orders of the last half hour stay as they are: nothing of the demo lies after its last order.
    """
    if basket.placed_at > last_at - RETURN_DELAY:
        return None
    drawn = lot("return", basket.basket_id)
    if drawn < CANCELLATION_SHARE:
        return Cancellation()
    if drawn < CANCELLATION_SHARE + REFUND_SHARE:
        return _refund(basket)
    return None


def live_deliveries(baskets: Iterable[Basket], *, last_at: datetime) -> list[Delivery]:
    """All webhooks of the baskets, in the order of their instants."""
    told = [delivery for basket in baskets for delivery in _of_basket(basket, last_at=last_at)]
    return sorted(told, key=lambda delivery: delivery.at)


def _of_basket(basket: Basket, *, last_at: datetime) -> Iterator[Delivery]:
    at, later = basket.placed_at, basket.placed_at + RETURN_DELAY

    def told(topic: str, body: dict[str, Any], at: datetime) -> Delivery:
        subject = basket.household_id if topic.startswith("customers") else basket.basket_id
        webhook_id = str(uuid5(_NAMESPACE, f"{topic}:{subject}"))
        return Delivery(
            at=at, household_id=basket.household_id, topic=topic, body=_encoded(body), webhook_id=webhook_id
        )

    if basket.is_first and consents(basket.household_id):
        agreed = shopify_consent(basket.household_id, at)
        yield told("customers_email_marketing_consent/update", agreed, at)
    yield told("orders/create", shopify_order(basket), at)
    yield told("orders/paid", shopify_order(basket), at)
    match planned_return(basket, last_at=last_at):
        case PartialRefund(line=line, quantity=quantity, amount_minor=amount):
            refund = shopify_refund(basket, line, quantity=quantity, amount_minor=amount, at=later)
            yield told("refunds/create", refund, later)
            refunded = shopify_order(basket, updated_at=later, financial_status="partially_refunded", refunds=[refund])
            yield told("orders/updated", refunded, later)
        case Cancellation():
            cancelled_at = later.isoformat()
            cancelled = shopify_order(basket, updated_at=later, cancelled_at=cancelled_at, cancel_reason="customer")
            yield told("orders/cancelled", cancelled, later)


def _refund(basket: Basket) -> PartialRefund | None:
    paid = [line for line in basket.lines if line.total_minor > 0]
    if len(paid) < 2:
        return None  # it would be the whole order
    dearest = max(paid, key=lambda line: (line.total_minor, line.product_id))
    if dearest.quantity == 1:
        return PartialRefund(line=dearest, quantity=1, amount_minor=dearest.total_minor)
    return PartialRefund(line=dearest, quantity=1, amount_minor=dearest.total_minor // dearest.quantity)


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
