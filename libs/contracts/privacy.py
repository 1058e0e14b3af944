"""Answers of every service to what a person may ask for: to be forgotten, and to see what is kept."""

from typing import ClassVar, Literal
from uuid import UUID

from libs.contracts.fact import DATA_TOPICS, Fact, Instant

ErasedKind = Literal["customer", "store"]


class ErasureCompletedV1(Fact):
    """One service has cleared what named the customer, or what belonged to the store, `erased_id`."""

    TYPE: ClassVar[str] = "erasure.completed.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "erased_id"

    erased_id: UUID
    kind: ErasedKind
    request_id: UUID
    service: str
    completed_at: Instant


class DataExportCompletedV1(Fact):
    """One service has told all that it keeps about the customer; large answers come in `parts`, numbered from 1.

    The texts that `data_sealed` of all parts open to under `{data}`, joined, are base64 of a zlib stream of a JSON
    object: what this service keeps, by the names of its tables' things.
    """

    TYPE: ClassVar[str] = "data_export.completed.v1"
    TOPIC: ClassVar[str] = DATA_TOPICS
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    request_id: UUID
    service: str
    part: int
    parts: int
    data_sealed: str
    completed_at: Instant


FACTS: tuple[type[Fact], ...] = (ErasureCompletedV1, DataExportCompletedV1)
