"""`/v1/ops/epochs`: a source that was restored starts a new epoch, a reader that it forgot accepts it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from fastapi import status as http

from libs.eventbus import acceptance, identity, new_epoch
from libs.eventbus.acceptance import Forgotten
from libs.eventbus.answers import Acceptance
from libs.eventbus.errors import EpochUnknown, HistoriesApart, NotHalted
from libs.eventbus.words import Lane
from libs.servicekit import audit
from libs.servicekit.epoch_documents import (
    DatabaseIdentity,
    EndedEpoch,
    EpochAcceptance,
    EpochAccepted,
    Epochs,
    EpochStart,
    EpochStarted,
    HaltedLane,
)
from libs.servicekit.idempotency import Answer, Once, required_key
from libs.servicekit.identity import new_id
from libs.servicekit.ops import Operators, Reader, TheKit, need_platform
from libs.servicekit.problems import conflict, not_found
from libs.servicekit.tokens import Principal
from libs.servicekit.unit_of_work import UnitOfWork

START: Final = "epoch.start"
ACCEPT: Final = "epoch.accept"
router = APIRouter(prefix="/v1/ops/epochs", tags=["ops"])
TheKey = Annotated[Once, Depends(required_key)]


@router.get("", summary="Show epochs and halted lanes")
async def show_epochs(principal: Reader, kit: TheKit) -> Epochs:
    """Whether this database may say facts, which epochs it ended, and what was forgotten in lanes that stand still."""
    need_platform(principal)
    async with kit.database.read() as uow:
        return Epochs(
            identity=DatabaseIdentity.of(await identity.compare(uow.connection)),
            ended=[EndedEpoch.of(each) for each in await new_epoch.ended(uow.connection)],
            halted=[HaltedLane.of(each) for each in await acceptance.pending(uow.connection, kit.service)],
        )


@router.post("", status_code=http.HTTP_201_CREATED, summary="Start a new epoch", response_model=EpochStarted)
async def start_epoch(body: EpochStart, principal: Operators, kit: TheKit, once: TheKey) -> Response:
    """After this service's database was restored: it may say facts again, under numbers that nobody has heard yet.

    Readers that had applied no more than the backup holds go on by themselves, the others wait for an acceptance.
    """
    need_platform(principal)
    now = kit.clock.now()
    async with kit.database.begin_platform() as uow:

        async def start() -> Answer:
            started = await new_epoch.start(
                uow.connection, source=kit.service, by=principal.subject, reason=body.reason, now=now, new_id=new_id
            )
            await audit.record(
                uow.connection,
                merchant_no=None,
                actor=principal.subject,
                action=START,
                target=f"{kit.service}.{started.epoch}",
                now=now,
                after=body.model_dump(),
            )
            return Answer(http.HTTP_201_CREATED, EpochStarted(epoch=started.epoch, lanes=started.lanes))

        return await once.run(uow, principal, start, now=now)


@router.post("/acceptances", summary="Accept what a source forgot")
async def accept_epoch(body: EpochAcceptance, principal: Operators, kit: TheKit) -> EpochAccepted:
    """Halted lanes go on in their source's new epoch, from the last place that both know.

    What was applied beyond it stays applied, and is passed by if the source says it again under the same id; what was
    parked of it is discarded. Asked twice, it finds nothing more to accept.
    """
    need_platform(principal)
    async with kit.database.begin_platform() as uow:
        found = [one for one in await acceptance.pending(uow.connection, kit.service) if _meant(one, body)]
        if body.lane is not None and not found:
            raise not_found("halted lane")
        ready = [one for one in found if body.lane is not None or isinstance(one.plan, Acceptance)]
        forgotten = [await _accept(kit, uow, principal, one.halted.lane, body) for one in ready]
    return EpochAccepted(lanes=len(ready), forgotten=sum(forgotten), waiting=len(found) - len(ready))


def _meant(one: Forgotten, body: EpochAcceptance) -> bool:
    lane = one.halted.lane
    return (lane.source, lane.topic) == (body.source, body.topic) and body.lane in (None, lane.number)


async def _accept(kit: TheKit, uow: UnitOfWork, principal: Principal, lane: Lane, body: EpochAcceptance) -> int:
    try:
        forgotten = await acceptance.accept(uow.connection, kit.service, lane, by=principal.subject, reason=body.reason)
    except NotHalted as error:  # another operator was faster
        raise not_found("halted lane") from error
    except EpochUnknown as error:
        raise conflict("no-new-epoch", "The source has not started a new epoch, or it was not heard yet.") from error
    except HistoriesApart as error:
        raise conflict("histories-apart", "No place is remembered that the source still knows.") from error
    await audit.record(
        uow.connection,
        merchant_no=None,
        actor=principal.subject,
        action=ACCEPT,
        target=f"{lane.source}.{lane.topic}.{lane.number}",
        now=kit.clock.now(),
        after=body.model_dump(),
    )
    return len(forgotten)
