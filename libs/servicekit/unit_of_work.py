"""One transaction and the facts that it wants to tell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.envelope import Said


@dataclass(slots=True)
class UnitOfWork:
    """What `Database.begin()` yields; its facts reach the outbox as the last thing before COMMIT."""

    connection: AsyncConnection
    merchant_id: UUID | None = None
    merchant_no: int | None = None
    _said: list[Said] = field(default_factory=list)

    def say(self, said: Said) -> None:
        """The fact is told if, and only if, this transaction commits."""
        self._said.append(said)

    @property
    def said(self) -> Sequence[Said]:
        return self._said

    @property
    def tenant(self) -> int:
        """The local number of the merchant that this transaction was opened for."""
        if self.merchant_no is None:
            raise RuntimeError("this transaction was opened for no merchant")
        return self.merchant_no
