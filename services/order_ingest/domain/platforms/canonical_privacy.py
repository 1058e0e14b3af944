"""Requests of people about what is kept of them, in our own JSON, translated."""

from typing import Final

from services.order_ingest.domain.persons import DataAsked, ErasureAsked
from services.order_ingest.domain.platforms.canonical_customer import somebody
from services.order_ingest.domain.reading import Object, instant, required

ERASURE_REQUESTED: Final = "customer.erasure_requested"
DATA_REQUESTED: Final = "customer.data_requested"
PRIVACY_TYPES: Final = frozenset({ERASURE_REQUESTED, DATA_REQUESTED})


def privacy_request(kind: str, source: Object) -> ErasureAsked | DataAsked:
    """Who asks for what, and since when it holds: what a person bought later is not forgotten."""
    at, person = required(instant(source, "at"), "at"), somebody(source)
    if kind == ERASURE_REQUESTED:
        return ErasureAsked(at=at, source=kind, person=person)
    return DataAsked(at=at, source=kind, person=person)
