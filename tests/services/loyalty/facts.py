"""Facts as order-ingest would tell them, with every detail that a test does not care about filled in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
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
from libs.contracts.envelope import Envelope, Event, Origin
from libs.contracts.fact import Fact

MERCHANT = UUID("018f0000-0000-7000-8000-000000000001")
STORE = UUID("018f0000-0000-7000-8000-000000000002")
START = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def uid(name: str) -> UUID:
    """The same id for the same name."""
    return uuid5(MERCHANT, name)


@dataclass
class Facts:
    """Tells events with growing ids; `at` is when the next one happens."""

    merchant_id: UUID = MERCHANT
    currency: str = "USD"
    at: datetime = START
    window: timedelta = field(default_factory=lambda: 30 * DAY)
    origin: Origin = "live"
    told: int = 0

    def event(self, fact: Fact, *, at: datetime | None = None) -> Event[Any]:
        self.told += 1
        return Event(
            Envelope(
                id=uuid5(self.merchant_id, f"event {self.told}"),
                source="order-ingest",
                type=fact.TYPE,
                subject=fact.subject,
                merchant_id=self.merchant_id,
                occurred_at=at or self.at,
                recorded_at=at or self.at,
                origin=self.origin,
                correlation_id="test",
            ),
            fact,
        )

    def merchant(self, *, at: datetime | None = None) -> Event[Any]:
        when = at or self.at
        fact = MerchantRegisteredV1(
            merchant_id=self.merchant_id, name="Shop", currency=self.currency, time_zone="UTC", registered_at=when
        )
        return self.event(fact, at=when)

    def customer(self, name: str, *, anonymous: bool = False) -> Event[Any]:
        fact = CustomerRegisteredV1(
            customer_id=uid(name), identity_version=1, store_id=STORE, anonymous=anonymous, registered_at=self.at
        )
        return self.event(fact)

    def merged(self, name: str, into: str, *, version: int = 2) -> Event[Any]:
        fact = CustomerMergedV1(
            customer_id=uid(name), into_customer_id=uid(into), identity_version=version, merged_at=self.at
        )
        return self.event(fact)

    def unmerged(self, name: str, survivor: str, *orders: str, version: int = 3) -> tuple[Event[Any], Event[Any]]:
        """Under the restored customer's id, and under the survivor's."""
        words = {
            "merge_id": uid(f"{name}/{survivor}"),
            "restored_customer_id": uid(name),
            "survivor_customer_id": uid(survivor),
            "order_ids": tuple(map(uid, orders)),
            "identity_version": version,
            "unmerged_at": self.at,
        }
        told = [CustomerUnmergedV1.model_validate({**words, "customer_id": uid(each)}) for each in (name, survivor)]
        return self.event(told[0]), self.event(told[1])

    def erased(self, name: str, *, request: str | None = None) -> Event[Any]:
        fact = CustomerErasedV1(
            customer_id=uid(name), identity_version=9, request_id=uid(request) if request else None, erased_at=self.at
        )
        return self.event(fact)

    def asked(self, name: str, request: str = "export") -> Event[Any]:
        fact = CustomerDataRequestedV1(customer_id=uid(name), request_id=uid(request), requested_at=self.at)
        return self.event(fact)

    def store_erased(self, request: str = "shop") -> Event[Any]:
        return self.event(StoreErasedV1(store_id=STORE, request_id=uid(request), erased_at=self.at))

    def placed(self, customer: str, order: str, *totals: int, **more: Any) -> Event[Any]:
        return self._told(OrderPlacedV1, customer, order, totals, more)

    def changed(self, customer: str, order: str, *totals: int, **more: Any) -> Event[Any]:
        return self._told(OrderChangedV1, customer, order, totals, more)

    def paid(self, customer: str, order: str) -> Event[Any]:
        return self.event(OrderPaidV1(**self._named(customer, order), at=self.at, version=1))

    def cancelled(self, customer: str, order: str) -> Event[Any]:
        return self.event(OrderCancelledV1(**self._named(customer, order), at=self.at, version=1))

    def deleted(self, customer: str, order: str) -> Event[Any]:
        return self.event(OrderDeletedV1(**self._named(customer, order), at=self.at, version=1))

    def refunded(self, customer: str, order: str, *cumulative: int, refund: str = "r") -> Event[Any]:
        """`cumulative` are the amounts given back per line, in all refunds so far."""
        lines = tuple(
            RefundLine(line_id=uid(f"{order}/{n}"), quantity=1, amount_minor=amount)
            for n, amount in enumerate(cumulative)
            if amount
        )
        fact = OrderRefundedV1(
            **self._named(customer, order),
            refund_id=uid(f"{order}/{refund}"),
            at=self.at,
            version=1,
            lines=lines,
            amount_minor=sum(cumulative),
            cumulative_lines=lines,
            cumulative_amount_minor=sum(cumulative),
            fully_refunded=False,
        )
        return self.event(fact)

    def _told(self, kind: Any, customer: str, order: str, totals: Sequence[int], more: dict[str, Any]) -> Event[Any]:
        gifts = more.pop("gifts", ())
        lines = tuple(
            OrderLine(
                line_id=uid(f"{order}/{n}"),
                title="Thing",
                quantity=1,
                unit_price_minor=total,
                total_minor=total,
                gift_card=n in gifts,
            )
            for n, total in enumerate(totals)
        )
        placed_at = more.pop("placed_at", self.at)
        values = {
            "external_order_id": order,
            "placed_at": placed_at,
            "version": 1,
            "subtotal_minor": sum(totals),
            "total_minor": sum(totals),
            "return_window_ends_at": placed_at + self.window,
            "time_zone": "UTC",
            "lines": lines,
        }
        return self.event(kind(**(self._named(customer, order) | values | more)))

    def _named(self, customer: str, order: str) -> dict[str, Any]:
        return {
            "customer_id": uid(customer),
            "order_id": uid(order),
            "store_id": STORE,
            "currency": self.currency,
        }
