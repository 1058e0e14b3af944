"""What the routers reach for: the adapters, behind their ports, in one object."""

from dataclasses import dataclass

from services.loyalty.application.ports import Ledgers, Members, Programmes, Proofs


@dataclass(frozen=True, slots=True)
class Parts:
    """Made in bootstrap."""

    ledgers: Ledgers
    members: Members
    programmes: Programmes
    proofs: Proofs
