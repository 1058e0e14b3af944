"""What the use cases need from outside; `adapters/` has each of them on PostgreSQL or a library."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from libs.contracts.envelope import Said
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace


class Addresses(Protocol):
    """Brings e-mail addresses and phone numbers into the one form in which they identify a person. Pure."""

    def email(self, raw: str) -> str | None:
        """The address in lower case; None if it is none."""

    def phone(self, raw: str, region: str | None) -> str | None:
        """The number in E.164; None if it cannot be a real one. `region` (ISO 3166) reads numbers without prefix."""


class Seals(Protocol):
    """Keyed hashes and sealed personal data. Pure, no I/O."""

    def seal(self, plain: Mapping[str, str | None]) -> str:
        """A token that the other services can open."""

    def blind_index(self, merchant_id: UUID, kind: str, value: str) -> str:
        """Equal for equal values of one merchant."""


class Telling(Protocol):
    """A transaction, as far as a use case is concerned: facts told if it commits."""

    def say(self, said: Said) -> None: ...


class Books(Protocol):
    """The canonical orders, customers and products, inside one transaction.

    Whoever loads holds the merchants' locks until the transaction ends: two batches of one merchant follow each
    other, so what was loaded is still true when it is stored.
    """

    async def load(self, entries: Sequence[Entry]) -> Workspace:
        """Everything that the entries concern, locked; a constant number of statements."""

    async def store(self, workspace: Workspace) -> None:
        """Everything that changed in the workspace stands; a constant number of statements."""
