"""Orders as HTTP shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order_ingest.domain.canonical import EXAMPLE_ORDER
from services.order_ingest.domain.changes import Refund
from services.order_ingest.domain.reading import moment
from services.order_ingest.entrypoints.fx_schemas import PlainRate
from services.order_ingest.entrypoints.goods_schemas import FulfilmentOut, ReturnOut
from services.order_ingest.entrypoints.shared import ID, INSTANT, Microseconds, Money

_AMOUNTS: Final = ("goods", "discount", "total", "refunded")
_MONEY: Final = {"amount_minor": 4418, "currency": "USD"}
_EXAMPLE: Final[dict[str, Any]] = {
    "order_id": ID,
    "store_id": ID,
    "external_id": "A-1001",
    "number": "#1001",
    "customer_id": ID,
    "placed_at": "2026-05-02T10:15:00Z",
    "financial_status": "partially_refunded",
    "goods": {"amount_minor": 3598, "currency": "USD"},
    "discount": {"amount_minor": 400, "currency": "USD"},
    "total": _MONEY,
    "refunded": {"amount_minor": 1799, "currency": "USD"},
    "line_count": 1,
    "item_count": 2,
    "paid_at": "2026-05-02T10:15:03Z",
    "cancelled_at": None,
    "cancel_reason": None,
    "deleted_at": None,
    "completed_at": None,
    "updated_at": INSTANT,
    "fx": {"to": "EUR", "rate": "0.9228", "source": "ecb", "at": "2026-05-01T22:00:00Z"},
    "fx_missing": False,
}


class FxOut(BaseModel):
    """The exchange rate pinned in the order: one unit of its currency is `rate` units of `to`; it held from `at`."""

    model_config = ConfigDict(from_attributes=True)

    to: str
    rate: PlainRate
    source: str
    at: datetime


class OrderOut(BaseModel):
    """An order in a list. `goods`: what was paid for goods, gift cards apart; `updated_at` is the platform's."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    order_id: UUID
    store_id: UUID
    external_id: str
    number: str | None
    customer_id: UUID | None
    placed_at: datetime | None
    financial_status: str | None
    goods: Money
    discount: Money
    total: Money
    refunded: Money
    line_count: int
    item_count: int
    paid_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    deleted_at: datetime | None
    completed_at: datetime | None
    updated_at: datetime | None
    fx: FxOut | None
    fx_missing: bool = Field(description="In another currency than the merchant's, and told without a rate.")

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The order that a row holds."""
        return cls.model_validate(_fields(row))


class RefundOut(BaseModel):
    """A refund as all sightings together tell it."""

    external_id: str = Field(examples=["R-77"])
    at: datetime
    reason: str | None = Field(examples=["damaged"])
    amount: Money
    shipping: Money
    lines: list[dict[str, Any]]

    @classmethod
    def of(cls, refund: Refund, currency: str | None) -> "RefundOut":
        return cls(
            external_id=refund.external_id,
            at=refund.at,
            reason=refund.reason,
            amount=Money(amount_minor=refund.amount_minor, currency=currency),
            shipping=Money(amount_minor=refund.shipping_minor, currency=currency),
            lines=[line._asdict() for line in refund.lines],
        )


class OrderDetail(OrderOut):
    """The whole order; `content` has the fields of the canonical order, empty ones left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "content": {"currency": "USD", "lines": EXAMPLE_ORDER["lines"]},
                    "refunds": [],
                    "fulfilments": [],
                    "returns": [],
                }
            ]
        }
    )

    content: dict[str, Any] | None
    refunds: list[RefundOut]
    fulfilments: list[FulfilmentOut]
    returns: list[ReturnOut]

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> "OrderDetail":
        """The order with its document."""
        refunds = [RefundOut.of(each, row["currency"]) for each in row["refunds"]]
        moved = {
            "fulfilments": [FulfilmentOut.of(each) for each in row["fulfilments"]],
            "returns": [ReturnOut.of(each) for each in row["returns"]],
        }
        return cls.model_validate({**_fields(row), "content": row["content"], "refunds": refunds, **moved})


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {name: Money(amount_minor=row[f"{name}_minor"], currency=row["currency"]) for name in _AMOUNTS}
    updated_at = moment(row["version_us"]) if row["version_us"] is not None else None
    return {**row, **amounts, "updated_at": updated_at}


class StepOut(BaseModel):
    """One step in an order's life; `version_at` is the platform's time of the state that held after it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "recorded_at": INSTANT,
                    "source": "orders/updated",
                    "cause_id": ID,
                    "version_at": INSTANT,
                    "facts": ["order.changed.v1"],
                    "total_minor": 4418,
                    "refunded_minor": 0,
                    "financial_status": "paid",
                }
            ]
        }
    )

    recorded_at: datetime
    source: str = Field(description="Topic of the delivery, or `import`.")
    cause_id: UUID = Field(description="The delivery, or the row of an import.")
    version_us: Microseconds | None = Field(serialization_alias="version_at")
    facts: list[str]
    total_minor: int
    refunded_minor: int
    financial_status: str | None


class StepsOut(BaseModel):
    """All steps."""

    items: list[StepOut]


class MoneyOut(BaseModel):
    """Sums over the orders of one currency."""

    currency: str = Field(examples=["USD"])
    orders: int
    goods_minor: int
    discount_minor: int
    total_minor: int
    refunded_minor: int


class SummaryOut(BaseModel):
    """Figures over all of the merchant's orders; `shells` are orders of which only a refund or deletion came."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "orders": 1,
                    "shells": 0,
                    "placed": 1,
                    "paid": 1,
                    "cancelled": 0,
                    "deleted": 0,
                    "refunded": 1,
                    "lines": 1,
                    "items": 2,
                    "first_placed_at": INSTANT,
                    "last_placed_at": INSTANT,
                    "customers": 1,
                    "anonymous_customers": 0,
                    "merged_customers": 0,
                    "products": 1,
                    "money": [
                        {
                            "currency": "USD",
                            "orders": 1,
                            "goods_minor": 3598,
                            "discount_minor": 400,
                            "total_minor": 4418,
                            "refunded_minor": 1799,
                        }
                    ],
                    "deliveries_waiting": 0,
                    "facts_untold": 0,
                }
            ]
        }
    )

    orders: int
    shells: int
    placed: int
    paid: int
    cancelled: int
    deleted: int
    refunded: int
    lines: int
    items: int
    first_placed_at: datetime | None
    last_placed_at: datetime | None
    customers: int
    anonymous_customers: int
    merged_customers: int
    products: int
    money: list[MoneyOut]
    deliveries_waiting: int = Field(description="Stored deliveries that are not normalised yet.")
    facts_untold: int = Field(description="Facts in the outbox that are not on the bus yet.")
