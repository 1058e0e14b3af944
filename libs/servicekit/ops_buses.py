"""`/v1/ops/buses`: the end of a move from one bus to another."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel

from libs.eventbus.transports import bus_name as name_in
from libs.servicekit import audit, bus_state
from libs.servicekit.kit import Kit
from libs.servicekit.ops import Operators, TheKit, need_platform
from libs.servicekit.ops_documents import Done, Reason
from libs.servicekit.problems import conflict

RETIRE: Final = "bus.retire"
router = APIRouter(prefix="/v1/ops/buses", tags=["ops"])
BusName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$", examples=["postgres"])]


class Retirement(BaseModel):
    reason: Reason


@router.post("/{bus_name}/retirements", summary="Forget a bus that is not fed any more")
async def retire_bus(bus_name: BusName, body: Retirement, principal: Operators, kit: TheKit) -> Done:
    """Its cursors hold the outbox no longer. Refused for a bus that this service reads or feeds; asked twice, it finds
    nothing to forget.

    A bus that is fed again later starts at the oldest fact that the outbox still holds.
    """
    need_platform(principal)
    if bus_name in _used(kit):
        raise conflict("bus-in-use", "This service reads or feeds that bus: take it out of its settings first.")
    async with kit.database.begin_platform() as uow:
        lanes = await bus_state.retire(uow.connection, bus_name)
        await audit.record(
            uow.connection,
            merchant_no=None,
            actor=principal.subject,
            action=RETIRE,
            target=f"{kit.service}.{bus_name}",
            now=kit.clock.now(),
            after=body.model_dump(),
        )
    return Done(lanes=lanes)


def _used(kit: Kit) -> set[str]:
    return {name_in(url) for url in (kit.settings.bus_url, kit.settings.bus_also_url) if url}
