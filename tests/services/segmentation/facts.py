"""Facts as segmentation hears them, with as few words as a test needs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    Fx,
    MerchantRegisteredV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderLine,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    RefundLine,
    StoreErasedV1,
)
from libs.contracts.envelope import Envelope, Event
from libs.contracts.fact import Fact

ROOT = UUID("6f1d2c1e-0000-4000-8000-000000000001")
START = datetime(2025, 1, 1, tzinfo=UTC)


def ident(*words: object) -> UUID:
    """The same id for the same words."""
    return uuid5(ROOT, "/".join(map(str, words)))


def at(days: float) -> datetime:
    """So many days after the tests' beginning of time."""
    return START + timedelta(days=days)


@dataclass
class Teller:
    """Tells facts of one merchant, each as an event with an id of its own."""

    merchant_id: UUID = field(default_factory=lambda: ident("merchant"))
    currency: str = "USD"
    numbers: Any = field(default_factory=count)

    def event(self, fact: Fact, occurred_at: datetime, *, origin: Any = "live") -> Event[Any]:
        event_id = ident(self.merchant_id, "event", next(self.numbers))
        envelope = Envelope(
            id=event_id,
            source="order-ingest",
            type=fact.TYPE,
            subject=fact.subject,
            merchant_id=self.merchant_id,
            occurred_at=occurred_at,
            recorded_at=occurred_at,
            origin=origin,
            correlation_id=str(event_id),
        )
        return Event(envelope, fact)

    def merchant(self) -> Event[Any]:
        fact = MerchantRegisteredV1(
            merchant_id=self.merchant_id,
            name="Tea & Co",
            currency=self.currency,
            time_zone="America/New_York",
            registered_at=at(-1000),
        )
        return self.event(fact, at(-1000))

    def customer(self, name: object, *, anonymous: bool = False, version: int = 1) -> Event[Any]:
        fact = CustomerRegisteredV1(
            customer_id=ident("customer", name),
            identity_version=version,
            store_id=ident("store"),
            locale="en-US",
            time_zone="America/New_York",
            anonymous=anonymous,
            registered_at=at(-10),
        )
        return self.event(fact, at(-10))

    def merged(self, absorbed: object, into: object, *, version: int = 5, when: datetime | None = None) -> Event[Any]:
        fact = CustomerMergedV1(
            customer_id=ident("customer", absorbed),
            into_customer_id=ident("customer", into),
            identity_version=version,
            merged_at=when or at(500),
        )
        return self.event(fact, fact.merged_at)

    def unmerged(
        self, restored: object, survivor: object, *orders: object, version: int = 7
    ) -> tuple[Event[Any], Event[Any]]:
        """Under the restored customer's id, and under the survivor's."""
        words = {
            "merge_id": ident("merge", restored, survivor),
            "restored_customer_id": ident("customer", restored),
            "survivor_customer_id": ident("customer", survivor),
            "order_ids": tuple(ident("order", each) for each in orders),
            "identity_version": version,
            "unmerged_at": at(600),
        }
        one, other = (
            CustomerUnmergedV1.model_validate({**words, "customer_id": ident("customer", each)})
            for each in (restored, survivor)
        )
        return self.event(one, at(600)), self.event(other, at(600))

    def erased(self, customer: object, *, request: object = None, when: datetime | None = None) -> Event[Any]:
        fact = CustomerErasedV1(
            customer_id=ident("customer", customer),
            identity_version=9,
            request_id=ident("request", request) if request is not None else None,
            erased_at=when or at(900),
        )
        return self.event(fact, fact.erased_at)

    def asked(self, customer: object, request: object = "export") -> Event[Any]:
        fact = CustomerDataRequestedV1(
            customer_id=ident("customer", customer), request_id=ident("request", request), requested_at=at(901)
        )
        return self.event(fact, at(901))

    def store_erased(self, request: object = "shop") -> Event[Any]:
        fact = StoreErasedV1(store_id=ident("store"), request_id=ident("request", request), erased_at=at(902))
        return self.event(fact, at(902))

    def _order(self, order: object, customer: object, placed_at: datetime, **words: Any) -> dict[str, Any]:
        prices: Sequence[int] = words.pop("prices", (1000,))
        gift_cards: Sequence[int] = words.pop("gift_cards", ())
        lines = tuple(
            OrderLine(
                line_id=ident("line", order, place),
                title="Tea",
                quantity=1,
                unit_price_minor=price,
                total_minor=price,
                gift_card=place >= len(prices),
            )
            for place, price in enumerate((*prices, *gift_cards))
        )
        total = sum(line.total_minor for line in lines)
        return {
            "customer_id": ident("customer", customer),
            "order_id": ident("order", order),
            "store_id": ident("store"),
            "external_order_id": str(order),
            "placed_at": placed_at,
            "version": 1,
            "currency": self.currency,
            "subtotal_minor": total,
            "total_minor": total,
            "return_window_ends_at": placed_at + timedelta(days=30),
            "time_zone": "America/New_York",
            "lines": lines,
            **words,
        }

    def placed(self, order: object, customer: object, placed_at: datetime, **words: Any) -> Event[Any]:
        """`prices` are line totals, `gift_cards` those of gift cards; other words are the fact's own fields."""
        return self.event(OrderPlacedV1(**self._order(order, customer, placed_at, **words)), placed_at)

    def changed(self, order: object, customer: object, placed_at: datetime, version: int, **words: Any) -> Event[Any]:
        fact = OrderChangedV1(**self._order(order, customer, placed_at, **{"version": version, **words}))
        return self.event(fact, placed_at + timedelta(hours=version))

    def _about(self, order: object, customer: object, when: datetime) -> dict[str, Any]:
        return {
            "customer_id": ident("customer", customer),
            "order_id": ident("order", order),
            "store_id": ident("store"),
            "currency": self.currency,
            "at": when,
            "version": 2,
        }

    def paid(self, order: object, customer: object, when: datetime) -> Event[Any]:
        return self.event(OrderPaidV1(**self._about(order, customer, when)), when)

    def cancelled(self, order: object, customer: object, when: datetime) -> Event[Any]:
        return self.event(OrderCancelledV1(**self._about(order, customer, when)), when)

    def deleted(self, order: object, customer: object, when: datetime) -> Event[Any]:
        return self.event(OrderDeletedV1(**self._about(order, customer, when)), when)

    def refunded(
        self,
        order: object,
        customer: object,
        when: datetime,
        amounts: Sequence[int],
        *,
        number: int = 1,
        shipping: int = 0,
        full: bool = False,
    ) -> Event[Any]:
        """`amounts` go back for the order's lines in their order."""
        lines = tuple(
            RefundLine(line_id=ident("line", order, place), quantity=0, amount_minor=amount)
            for place, amount in enumerate(amounts)
        )
        amount = sum(amounts) + shipping
        fact = OrderRefundedV1(
            **self._about(order, customer, when),
            refund_id=ident("refund", order, number),
            lines=lines,
            shipping_minor=shipping,
            amount_minor=amount,
            cumulative_amount_minor=amount,
            fully_refunded=full,
        )
        return self.event(fact, when)


def fx(to: str, rate: str) -> Fx:
    """A pinned rate."""
    return Fx(to=to, rate=Decimal(rate), source="test", at=START)
