"""What the routes have in common: who asks, the ports, money, and instants out of microseconds."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends
from pydantic import BaseModel, BeforeValidator, Field

from libs.servicekit.kit import Kit, kit, part
from libs.servicekit.pagination import decode_cursor, instant
from services.order_ingest.domain.reading import moment
from services.order_ingest.entrypoints.ports import Ports

TheKit = Annotated[Kit, Depends(kit)]
ThePorts = Annotated[Ports, Depends(part(Ports))]

ID: Final = "0190a5b0-7c1e-7c3a-9d0e-3b8f6f1f2a10"
INSTANT: Final = "2026-05-09T12:00:00Z"


class Money(BaseModel):
    """An amount in minor units of its currency."""

    amount_minor: int = Field(examples=[4418])
    currency: str | None = Field(examples=["USD"])


def _from_us(value: Any) -> Any:
    return moment(value) if isinstance(value, int) else value


Microseconds = Annotated[datetime, BeforeValidator(_from_us)]
"""An instant that a table holds as microseconds since the epoch."""


def after_time(cursor: str | None) -> tuple[datetime, UUID] | None:
    """The place in a list by time and id."""
    place = decode_cursor(cursor, at=instant, id=UUID)
    return (place["at"], place["id"]) if place else None


def after_id(cursor: str | None) -> UUID | None:
    """The place in a list by id."""
    place = decode_cursor(cursor, id=UUID)
    return place["id"] if place else None
