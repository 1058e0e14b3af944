"""What people say and do besides ordering, and what a store reports of a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.order_ingest.domain.persons import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that somebody said or did besides ordering, or that a store reports of a day (then without a person).

    `kind` is its fact's wire name without version. `external_id` tells it from all others of its kind in the store.
    `words` are the fact's own fields, checked; `private` is what may be read by those only who can open seals.
    `recipient` is who gets what the person pays for, if that is somebody else.
    """

    kind: str
    external_id: str
    at: datetime
    person: Person | None
    words: Mapping[str, Any]
    order_external_id: str | None = None
    product_external_id: str | None = None
    conversation_external_id: str | None = None
    subscription_external_id: str | None = None
    product_external_ids: tuple[str, ...] = ()
    recipient: Person | None = None
    private: str | None = None
