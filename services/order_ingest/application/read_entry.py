"""From raw bytes to an entry: parsed in the platform's words, people identified, the version fixed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.contracts.envelope import Cause
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.identify import identify, identify_recipient
from services.order_ingest.application.ports import Addresses, Seals
from services.order_ingest.domain.catalogue import ProductSeen
from services.order_ingest.domain.changes import Change, OrderSeen, Version
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.persons import CustomerSeen, DataAsked, DependantSeen, ErasureAsked
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.domain.reading import load, microseconds, moment
from services.order_ingest.domain.storefront import Arrival, Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One body as it was handed in, and what is known around it."""

    body: bytes
    storefront: Storefront
    cause: Cause
    source: str
    topic: str | None
    triggered_at: datetime | None
    received_at: datetime
    source_rank: int = 0
    platform: str | None = None
    """In whose words the body is written, if not the store's own platform's."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns letters into entries."""

    addresses: Addresses
    seals: Seals

    def read(self, letter: Letter) -> Entry:
        """What the letter says.

        Raises:
            Malformed: it is not what its platform promises.
        """
        return self.entry(letter, load(letter.body))

    def entry(self, letter: Letter, body: Mapping[str, Any]) -> Entry:
        """What the letter says, its body parsed already."""
        storefront = letter.storefront
        at = letter.triggered_at or letter.received_at
        arrival = Arrival(topic=letter.topic, at=at, source_rank=letter.source_rank)
        change = platform(letter.platform or storefront.platform).parse(body, arrival, storefront)
        updated_us = _updated_us(change)
        version = Version(
            updated_us or 0,
            letter.source_rank,
            microseconds(letter.triggered_at) if letter.triggered_at else 0,
            hashlib.blake2b(letter.body, digest_size=8).hexdigest(),
        )
        return Entry(
            change=change,
            storefront=storefront,
            cause=letter.cause,
            version=version,
            source=letter.source,
            at=moment(updated_us) if updated_us is not None else at,
            named=identify(change, storefront, addresses=self.addresses, seals=self.seals),
            recipient=identify_recipient(change, storefront, addresses=self.addresses, seals=self.seals),
        )


def _updated_us(change: Change) -> int | None:
    match change:
        case (
            OrderSeen(updated_us=updated_us) | CustomerSeen(updated_us=updated_us) | ProductSeen(updated_us=updated_us)
        ):
            return updated_us
        case Happening(at=at) | DependantSeen(at=at) | ErasureAsked(at=at) | DataAsked(at=at):
            return microseconds(at)
        case _:
            return None
