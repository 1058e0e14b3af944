"""What a service says once it has forgotten a customer or a store: `erasure.completed`, on its own topic."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.customers import CustomerErasedV1
from libs.contracts.envelope import Event, Said
from libs.contracts.privacy import ErasedKind, ErasureCompletedV1
from libs.contracts.registry import SOURCES
from libs.contracts.stores import StoreErasedV1


def customer_forgotten(event: Event[CustomerErasedV1], *, topic: str) -> Sequence[Said]:
    """The answer of the owner of `topic`; none to an erasure that nobody's request asked for.

    Tell it with the transaction that cleared what named the person: then both stand or neither does.
    """
    fact = event.fact
    if fact.request_id is None:
        return ()
    return (_answer(event, "customer", fact.customer_id, fact.request_id, topic),)


def store_forgotten(event: Event[StoreErasedV1], *, topic: str) -> Said:
    """The answer of the owner of `topic`, told with the transaction that cleared what it kept about the store."""
    return _answer(event, "store", event.fact.store_id, event.fact.request_id, topic)


def _answer(event: Event[Any], kind: ErasedKind, erased_id: UUID, request_id: UUID, topic: str) -> Said:
    at: datetime = event.envelope.occurred_at
    fact = ErasureCompletedV1(
        erased_id=erased_id, kind=kind, request_id=request_id, service=SOURCES[topic], completed_at=at
    )
    return Said(fact, event.merchant_id, at, cause=event.as_cause(), topic=topic)
