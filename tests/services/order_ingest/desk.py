"""The fold without a database: entries applied to one workspace that is never put away, and a consumer of its facts."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.contracts.commerce import (
    CustomerMergedV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderDeliveredV1,
    OrderFulfilledV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    ReturnClosedV1,
    ReturnRequestedV1,
)
from libs.contracts.envelope import Cause
from libs.contracts.fact import Fact
from libs.kernel.identifiers import derived_id
from services.order_ingest.adapters.addresses import LibraryAddresses
from services.order_ingest.application.apply_entries import apply
from services.order_ingest.application.read_entry import Letter, Reader
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.people import People
from services.order_ingest.domain.storefront import Storefront
from tests.services.order_ingest import bodies

MERCHANT = UUID("018f0000-0000-7000-8000-000000000001")
STORE = UUID("018f0000-0000-7000-8000-0000000000aa")
NOW = datetime(2026, 5, 20, tzinfo=UTC)


class ClearSeals:
    """Seals that hide nothing: quick, and readable when a test fails."""

    def seal(self, plain: Any) -> str:
        return repr(sorted(plain.items()))

    def blind_index(self, merchant_id: UUID, kind: str, value: str) -> str:
        return f"{kind}:{value}"


READER = Reader(LibraryAddresses(), ClearSeals())


def storefront(platform: str = "shopify", *, store_no: int = 1, store_id: UUID = STORE, **changes: Any) -> Storefront:
    return replace(
        Storefront(
            store_id=store_id,
            store_no=store_no,
            merchant_id=MERCHANT,
            merchant_no=1,
            platform=platform,
            account="690933842",
            currency="USD",
            merchant_currency="USD",
            time_zone="America/New_York",
            locale="en-US",
            return_window_days=30,
        ),
        **changes,
    )


@dataclass(frozen=True)
class Sent:
    """One delivery: topic and body, and when the platform triggered it."""

    topic: str
    body: dict[str, Any]
    triggered_at: datetime | None = None
    store: Storefront = field(default_factory=storefront)

    def letter(self) -> Letter:
        raw = bodies.encoded(self.body)
        cause = Cause(id=derived_id(STORE, self.topic, raw.decode()), origin="live", correlation_id="c")
        return Letter(
            body=raw,
            storefront=self.store,
            cause=cause,
            source=self.topic,
            topic=self.topic,
            triggered_at=self.triggered_at,
            received_at=NOW,
        )


@dataclass
class Desk:
    """Applies deliveries one by one."""

    workspace: Workspace = field(
        default_factory=lambda: Workspace(
            orders={}, order_stores={}, people={1: People(merchant_id=MERCHANT)}, products={}
        )
    )

    def apply(self, *sent: Sent) -> list[str]:
        """How each delivery ended."""
        return [apply(self.workspace, READER.read(each.letter()), READER.seals) for each in sent]

    @property
    def facts(self) -> list[Fact]:
        return [said.fact for said in self.workspace.said]

    @property
    def people(self) -> People:
        return self.workspace.people[1]

    def kinds(self, prefix: str = "order.") -> list[str]:
        return [fact.TYPE.removesuffix(".v1") for fact in self.facts if fact.TYPE.startswith(prefix)]

    def final(self) -> dict[UUID, Any]:
        """The canonical orders, as far as order and repetition of what came may not matter."""
        return {
            order_id: replace(order, customer_id=self.people.resolve(order.customer_id) if order.customer_id else None)
            for order_id, order in self.workspace.orders.items()
        }

    def heard(self) -> dict[UUID, dict[Any, Any]]:
        """What a consumer that keeps the last state by version, and the largest cumulative refund, ends with."""
        heard: dict[UUID, dict[Any, Any]] = {}
        merged = {fact.customer_id: fact.into_customer_id for fact in self.facts if isinstance(fact, CustomerMergedV1)}
        for fact in self.facts:
            order_id = getattr(fact, "order_id", None)
            if order_id is not None:
                _hear(heard.setdefault(order_id, {}), fact, merged)
        # A version whose content was told before is not told again: the stamp is no part of the state.
        return {order_id: {k: v for k, v in state.items() if k != "version"} for order_id, state in heard.items()}


def _hear(state: dict[Any, Any], fact: Fact, merged: dict[UUID, UUID]) -> None:
    customer = getattr(fact, "customer_id", None)
    while customer in merged:
        customer = merged[customer]
    state["customer"] = customer
    match fact:
        case OrderPlacedV1() | OrderChangedV1():
            if fact.version >= state.get("version", -1):
                state["version"] = fact.version
                state["content"] = fact.model_dump(exclude={"customer_id", "version"})
        case OrderPaidV1():
            state["paid"] = True
        case OrderCancelledV1():
            state["cancelled"] = fact.at
        case OrderDeletedV1():
            state["deleted"] = fact.at
        case OrderFulfilledV1():
            state["shipped", fact.fulfilment_id] = fact.lines
        case OrderDeliveredV1():
            state["delivered", fact.fulfilment_id] = True
        case ReturnRequestedV1():
            state["requested", fact.return_id] = fact.lines
        case ReturnClosedV1():
            state["closed", fact.return_id] = True
        case OrderRefundedV1():
            if fact.cumulative_amount_minor >= state.get("refunded", 0):
                state["refunded"] = fact.cumulative_amount_minor
                state["refunded_lines"] = {line.line_id: line.amount_minor for line in fact.cumulative_lines}
