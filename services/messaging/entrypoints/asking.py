"""What the routes have in common: who asks, what they reach for, and where a page begins."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path

from libs.servicekit import audit
from libs.servicekit.idempotency import Once, optional_key
from libs.servicekit.kit import Kit, kit, part
from libs.servicekit.pagination import decode_cursor, instant
from libs.servicekit.tokens import Principal
from libs.servicekit.unit_of_work import UnitOfWork
from services.messaging.application.ports import Ports
from services.messaging.entrypoints.schemas import CUSTOMER_ID

TheKit = Annotated[Kit, Depends(kit)]
ThePorts = Annotated[Ports, Depends(part(Ports))]
OnceOnly = Annotated[Once, Depends(optional_key)]
CustomerId = Annotated[UUID, Path(examples=[CUSTOMER_ID])]


def before(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where the page begins: behind this instant and id.

    Raises:
        Problem: 422, the cursor is none of this list's.
    """
    position = decode_cursor(cursor, at=instant, id=UUID)
    return None if position is None else (position["at"], position["id"])


async def audited(uow: UnitOfWork, principal: Principal, *, action: str, target: object, now: datetime) -> None:
    """The audit log tells who did it."""
    await audit.record(
        uow.connection, merchant_no=uow.tenant, actor=principal.subject, action=action, target=str(target), now=now
    )
