"""A merge as it stands in the books."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Merge:
    """How a customer's life ended; `into` and `merge_id` are None while it goes on.

    `store_no` is the customer's first store, in whose name an undoing is told.
    """

    customer_id: UUID
    identity_version: int
    into: UUID | None
    merge_id: UUID | None
    store_no: int
