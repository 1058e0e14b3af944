"""A made-up shop: the same seed tells the same orders, payments, refunds and cancellations."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

_OPENED = datetime(2026, 1, 5, tzinfo=UTC)
_STEP = timedelta(seconds=7)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook: the sender repeats it under the same id until it is taken."""

    webhook_id: str
    order_id: str
    body: bytes
    earns: bool = False
    """The first that tells of the payment: points follow from it."""


@dataclass(slots=True)
class Order:
    """An order as the shop's own books have it; money in minor units."""

    order_id: str
    customer: str
    placed_at: datetime
    lines: list[tuple[int, int]]  # quantity, total
    updated_at: datetime
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    refunded: int = 0

    @property
    def goods(self) -> int:
        return sum(total for _, total in self.lines)

    @property
    def points(self) -> int:
        """One point per whole currency unit of what the shop kept for goods."""
        if self.paid_at is None or self.cancelled_at is not None:
            return 0
        return (self.goods - self.refunded) // 100


class Shop:
    """Tells deliveries in the order in which they happened; `orders` are the books when all is told.

    `prefix` keeps the orders and customers of several shops in one store apart. With `told_paid` an order is told
    first when it is paid: one webhook an order, but for refunds and cancellations.
    """

    def __init__(
        self, seed: int, *, orders: int, customers: int = 200, prefix: str = "", told_paid: bool = False
    ) -> None:
        self._random = random.Random(seed)
        self._count = orders
        self._prefix = prefix
        self._told_paid = told_paid
        self._customers = [f"{prefix}C-{number}" for number in range(customers)]
        self.orders: dict[str, Order] = {}
        self.stays_open = False
        """While true, there is another order after the last one."""

    def deliveries(self) -> Iterator[Delivery]:
        """Every order is placed, then paid; one in ten is refunded in part, one in twenty cancelled.

        The stages of up to a dozen orders are mixed, those of one order stay in sequence.
        """
        waiting: list[Iterator[Delivery]] = []
        now = _OPENED
        for number in count():
            if number >= self._count and not self.stays_open:
                break
            now += _STEP
            waiting.append(self._life(f"{self._prefix}A-{number}", now))
            while len(waiting) > 12:
                yield from self._one_of(waiting)
        while waiting:
            yield from self._one_of(waiting)

    def _one_of(self, waiting: list[Iterator[Delivery]]) -> Iterator[Delivery]:
        life = self._random.choice(waiting)
        delivery = next(life, None)
        if delivery is None:
            waiting.remove(life)
        else:
            yield delivery

    def _life(self, order_id: str, at: datetime) -> Iterator[Delivery]:
        choose = random.Random(f"{order_id}:{self._random.random()}")
        lines = [(choose.randint(1, 4), choose.randint(150, 9_000)) for _ in range(choose.randint(1, 4))]
        order = Order(order_id, choose.choice(self._customers), at, lines, updated_at=at)
        self.orders[order_id] = order
        if not self._told_paid:
            yield self._told(order, "placed")
        order.paid_at = order.updated_at = at + timedelta(minutes=1)
        yield self._told(order, "paid")
        fate = choose.random()
        if fate < 0.10:
            order.refunded, order.updated_at = choose.randint(1, lines[0][1]), at + timedelta(hours=1)
            yield self._told(order, "refunded")
        elif fate < 0.15:
            order.cancelled_at = order.updated_at = at + timedelta(hours=2)
            yield self._told(order, "cancelled")

    def _told(self, order: Order, stage: str) -> Delivery:
        event = {"type": "order.updated", "timestamp": _text(order.updated_at), "data": _document(order)}
        return Delivery(f"{order.order_id}-{stage}", order.order_id, json.dumps(event).encode(), stage == "paid")


def _document(order: Order) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": order.order_id,
        "updated_at": _text(order.updated_at),
        "placed_at": _text(order.placed_at),
        "currency": "EUR",
        "customer": {
            "id": order.customer,
            "email": f"{order.customer.lower()}@example.com",
            "consents": [
                {"channel": "email", "state": "subscribed", "at": _text(_OPENED - timedelta(days=1)), "source": "shop"}
            ],
        },
        "lines": [
            {
                "id": str(index),
                "product_id": f"P-{index}",
                "title": f"Thing {index}",
                "quantity": quantity,
                "total_minor": total,
                "unit_price_minor": total // quantity,
                "discount_minor": 0,
            }
            for index, (quantity, total) in enumerate(order.lines)
        ],
    }
    if order.paid_at:
        document |= {"financial_status": "paid", "paid_at": _text(order.paid_at)}
    if order.cancelled_at:
        document |= {"cancelled_at": _text(order.cancelled_at), "cancel_reason": "customer"}
    if order.refunded:
        document["refunds"] = [_refund(order)]
    return document


def _refund(order: Order) -> dict[str, Any]:
    line = {"line_id": "0", "quantity": 1, "amount_minor": order.refunded}
    return {
        "id": f"R-{order.order_id}",
        "at": _text(order.updated_at),
        "lines": [line],
        "amount_minor": order.refunded,
        "shipping_minor": 0,
    }


def _text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
