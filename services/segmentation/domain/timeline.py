"""What happened to a customer, one entry each, whatever service told it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from libs.kernel.identifiers import derived_id


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline. `entry_id` follows from what happened, so that telling it twice is one line.

    An entry with an `order_id` belongs to whoever the order belongs to; else to `customer_id`.
    """

    entry_id: UUID
    customer_id: UUID
    at: datetime
    kind: str
    order_id: UUID | None
    details: Mapping[str, Any]


KEPT_OF_THE_ERASED: Final = (
    "absorbed_customer_id",
    "amount_minor",
    "anonymous",
    "available_at",
    "channel",
    "currency",
    "debt_added",
    "expires_at",
    "from_tier",
    "fully_refunded",
    "items",
    "message_class",
    "message_id",
    "order_id",
    "points",
    "refund_id",
    "segment_id",
    "template_id",
    "template_version",
    "to_tier",
    "total_minor",
    "valid_until",
    "version",
    "wallet",
)
"""Details that name nobody: figures, instants, and ids and tiers of ours. All others leave an erased timeline: words
that somebody wrote, and the shop's own numbers of orders, under which its other systems know the person.
"""


def entry_id(about: UUID, kind: str, *parts: str) -> UUID:
    """The id of the entry that says `kind` about `about` (an order, a ledger entry, a message, a customer)."""
    return derived_id(about, kind, *parts)
