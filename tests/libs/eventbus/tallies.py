"""What the tests of the bus say: numbers about customers of one merchant."""

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID

from libs.contracts.customers import CustomerErasedV1
from libs.contracts.envelope import Said
from libs.contracts.fact import Fact
from libs.eventbus.lanes import lane_of

SOURCE = "order-ingest"
TOPIC = "commerce"
GROUP = "loyalty"
MERCHANT = UUID("00000000-0000-4000-8000-000000000001")


class TalliedV1(Fact):
    """A number about somebody."""

    TYPE: ClassVar[str] = "test.tallied.v1"
    TOPIC: ClassVar[str] = TOPIC
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    n: int
    padding: str = ""


def customer(number: int) -> UUID:
    return UUID(int=0xC0FFEE << 64 | number)


def tallied(number: int, n: int) -> Said:
    return Said(TalliedV1(customer_id=customer(number), n=n), MERCHANT, datetime.now(UTC))


def erased(number: int) -> Said:
    fact = CustomerErasedV1(customer_id=customer(number), identity_version=1, erased_at=datetime.now(UTC))
    return Said(fact, MERCHANT, datetime.now(UTC))


LANE = lane_of(f"{MERCHANT}:{customer(1)}")
"""The lane in which everything about customer 1 stands."""
