"""What use cases and entry points need of the outside; adapters fit in, bootstrap plugs them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from libs.contracts.envelope import Said
from services.loyalty.application.needs import Keys, Scope
from services.loyalty.application.views import (
    EntryView,
    Finding,
    LotView,
    MemberView,
    ProgrammeView,
    Summary,
    YearView,
)
from services.loyalty.application.workspace import Workspace
from services.loyalty.domain.programmes import Programme, Rules


class Transaction(Protocol):
    """One open transaction. Only adapters look at `connection`, which is the driver's: hence untyped here."""

    @property
    def connection(self) -> Any: ...

    def say(self, said: Said) -> None: ...


class Ledgers(Protocol):
    """The ledger's rows, under locks that are always taken in the same order."""

    async def open(self, transaction: Transaction, keys: Keys) -> Workspace:
        """Merchants, accounts (locked, aliases followed), orders and awards of the keys; no lots yet."""

    async def fill(self, transaction: Transaction, workspace: Workspace, scopes: Mapping[int, Scope]) -> None:
        """Lots, holds and shares of the year are loaded as far as the scopes ask for."""

    async def store(self, transaction: Transaction, workspace: Workspace) -> None:
        """What changed stands in the tables; raises where a row is not as it was loaded."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Where the next page of members begins: after this one."""

    points: int
    account_id: int


class Members(Protocol):
    """Reads about members; all within the transaction's merchant."""

    async def page(
        self, transaction: Transaction, *, step: int | None, after: Ranking | None, limit: int, at: datetime
    ) -> Sequence[MemberView]:
        """Members by points, most first; with `step` only those of that tier."""

    async def find(self, transaction: Transaction, customer_id: UUID, at: datetime) -> MemberView | None:
        """The member that the customer is now; an absorbed customer is its survivor."""

    async def entries(
        self, transaction: Transaction, account_id: int, *, before: int | None, limit: int
    ) -> Sequence[EntryView]:
        """The statement, newest first, with the entries of absorbed accounts."""

    async def lots(
        self, transaction: Transaction, account_id: int, *, after: int | None, limit: int
    ) -> Sequence[LotView]:
        """Lots of which something is left, oldest first."""

    async def year(self, transaction: Transaction, account_id: int) -> YearView:
        """The member's standing with all orders of its year."""


class Programmes(Protocol):
    """Programmes and their versions."""

    async def all(self, transaction: Transaction) -> Sequence[ProgrammeView]: ...

    async def find(self, transaction: Transaction, programme_id: UUID) -> ProgrammeView | None: ...

    async def lock(self, transaction: Transaction, programme_id: UUID) -> ProgrammeView | None:
        """The same, and no batch counts and nobody edits until the transaction ends."""

    async def add_draft(
        self, transaction: Transaction, programme: ProgrammeView, *, rules: Rules, effective_at: datetime, now: datetime
    ) -> int:
        """The number of the new draft."""

    async def change_draft(
        self, transaction: Transaction, programme: ProgrammeView, number: int, *, rules: Rules, effective_at: datetime
    ) -> None: ...

    async def publish(self, transaction: Transaction, programme: ProgrammeView, number: int, now: datetime) -> None:
        """The version is in force from its effective date on, and orders already known are to be judged again."""


class Proofs(Protocol):
    """The ledger examined as a whole."""

    async def summary(self, transaction: Transaction, programme: Programme, as_of: datetime) -> Summary: ...

    async def findings(self, transaction: Transaction, now: datetime) -> Sequence[Finding]: ...

    async def digest(self, transaction: Transaction) -> tuple[str, int]:
        """The ledger hash, and how many lines went into it."""


class Housekeeping(Protocol):
    """Work that is found by looking through tables."""

    async def unjudged(
        self, transaction: Transaction, merchant_no: int, *, newest: int, after: UUID | None, limit: int
    ) -> Sequence[UUID]:
        """Paid orders last judged under an older programme than version `newest`, by id."""

    async def close_days(self, transaction: Transaction, merchant_no: int, *, before: date, now: datetime) -> None:
        """Every day before `before` has its count and digest of transfers, for good."""
