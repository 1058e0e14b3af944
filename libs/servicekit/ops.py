"""`/v1/ops`: what operators see of the bus and do about it; every deed is in the audit log."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response, Security

from libs.eventbus import marks, parked
from libs.eventbus.errors import NothingParked
from libs.eventbus.group import Group
from libs.eventbus.replaying import Operator
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from libs.eventbus.words import Lane
from libs.servicekit import audit, bus_state
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.jobs import enqueue
from libs.servicekit.kit import Kit, kit
from libs.servicekit.logs import logger
from libs.servicekit.ops_documents import (
    RESOLVE_PROBLEMS,
    REWIND_PROBLEMS,
    SHOW_PROBLEMS,
    SKIP_PROBLEMS,
    Accepted,
    Discard,
    Done,
    Lag,
    ParkedDetail,
    ParkedOut,
    ReadingOut,
    Rewind,
    Skip,
    UntoldOut,
    place_id,
    place_of,
)
from libs.servicekit.ops_jobs import REPLAY
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of
from libs.servicekit.problems import Problem, conflict, not_found
from libs.servicekit.unit_of_work import UnitOfWork

BUS_SECONDS: Final = 3.0
_log = logger(__name__)
router = APIRouter(prefix="/v1/ops", tags=["ops"])

DISCARD: Final = "parked_event.discard"

TheKit = Annotated[Kit, Depends(kit)]
Reader = Annotated[Principal, Security(authenticated, scopes=["ops:read"])]
Repairer = Annotated[Principal, Security(authenticated, scopes=["ops:replay"])]
Operators = Annotated[Principal, Security(authenticated, scopes=["ops:write"])]
ParkedId = Annotated[
    str,
    Path(
        pattern=r"^[a-z-]+\.[a-z-]+\.\d{1,2}\.\d{1,19}$",
        description="The event's place: source, topic, lane, sequence.",
        examples=["order-ingest.commerce.12.3"],
    ),
]


@router.get("/lag", summary="Show what is untold and what is unread")
async def show_lag(principal: Reader, kit: TheKit) -> Lag:
    """Where to look first: facts that wait for the relay (`telling`), and records that wait for this service
    (`reading`). Both are near zero in a system that keeps up; one that grows says which side stands still."""
    async with kit.database.read() as uow:
        telling = await bus_state.untold(uow.connection)
        reading = await bus_state.reading(uow.connection, kit.service)
    unread = await _unread(kit, sorted({each.topic for each in reading}))
    return Lag(
        telling=[UntoldOut.model_validate(each, from_attributes=True) for each in telling],
        reading=[
            ReadingOut(
                source=each.source,
                topic=each.topic,
                unread=unread.get(each.topic),
                lanes_with_gap=each.lanes_with_gap,
                last_applied_at=each.last_applied_at,
                parked=each.parked,
            )
            for each in reading
        ],
    )


@router.get("/parked_events", summary="List parked events by place")
async def list_parked_events(
    principal: Reader,
    kit: TheKit,
    status: Literal["parked", "replayed", "discarded", "any"] = "parked",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ParkedOut]:
    """Those that failed and those that wait behind one of the same subject; of the token's merchant, or of all
    without one. What else the subject tells waits too: replay after the cause is mended, or discard."""
    after = decode_cursor(cursor, id=place_of)
    async with kit.database.read() as uow:
        found = await parked.listed(
            uow.connection,
            kit.service,
            status=status,
            merchant_id=principal.merchant_id,
            after=after["id"] if after else None,
            limit=limit + 1,
        )
    return page_of(found, limit=limit, shown=ParkedOut.of, position=lambda event: {"id": place_id(event.place)})


async def _parked(parked_id: ParkedId, kit: TheKit, principal: Principal) -> parked.ParkedEvent:
    async with kit.database.read() as uow:
        found = await parked.shown(uow.connection, kit.service, place_of(parked_id))
    if found is None or principal.merchant_id not in (None, found.merchant_id):
        raise not_found("parked event")
    return found


@router.get("/parked_events/{parked_id}", summary="Show a parked event", responses=SHOW_PROBLEMS)
async def show_parked_event(parked_id: ParkedId, principal: Reader, kit: TheKit) -> ParkedDetail:
    """With the event itself; personal data in it stays sealed."""
    return ParkedDetail.of(await _parked(parked_id, kit, principal))


@router.post(
    "/parked_events/{parked_id}/replays",
    status_code=202,
    summary="Apply the subject's parked events again",
    responses=RESOLVE_PROBLEMS,
)
async def replay_parked_event(parked_id: ParkedId, principal: Repairer, kit: TheKit, response: Response) -> Accepted:
    """A job applies the subject's parked events in order, up to the first that fails again; `Location` names it.
    For the time after a fix: nothing that was applied is applied twice."""
    event = await _parked(parked_id, kit, principal)
    request = {**asdict(event.place), "by": principal.subject}
    async with kit.database.begin(_merchant_of(event)) as uow:
        job_id = await enqueue(uow, kind=REPLAY, request=request, unit="events", now=kit.clock.now())
        await _note(kit, uow, principal, action=REPLAY, target=parked_id)
    response.headers["Location"] = f"/v1/jobs/{job_id}"
    return Accepted(job_id=job_id)


@router.post("/parked_events/{parked_id}/discards", summary="Give a parked event up", responses=RESOLVE_PROBLEMS)
async def discard_parked_event(parked_id: ParkedId, body: Discard, principal: Repairer, kit: TheKit) -> ParkedOut:
    """The event counts as done without its effect; those that wait behind it go on with a replay of the next."""
    event = await _parked(parked_id, kit, principal)
    async with kit.database.begin(_merchant_of(event)) as uow:
        try:
            await _operator(kit, uow, principal).discard(event.place, reason=body.reason)
        except NothingParked as error:  # a replay was faster
            raise conflict("already-resolved", "The event was resolved meanwhile.") from error
        await _note(kit, uow, principal, action=DISCARD, target=parked_id, after=body.model_dump())
    return ParkedOut.of(await _parked(parked_id, kit, principal))


@router.post("/skips", summary="Let a lane go on behind an event that is lost", responses=SKIP_PROBLEMS)
async def skip(body: Skip, principal: Operators, kit: TheKit) -> Done:
    """The last resort, where neither bus nor source has the event at `sequence`, the lane's next: it is never
    applied, for no merchant. Asked twice, it skips once. Needs a token without a merchant."""
    need_platform(principal)
    lane = Lane(body.source, body.topic, body.lane)
    async with kit.database.begin_platform() as uow:
        standing = (await marks.lock(uow.connection, kit.service, [lane])).get(lane)
        if standing is None:
            raise not_found("lane")
        if standing.sequence + 1 != body.sequence:
            raise conflict("not-the-next", f"The lane stands at {standing.sequence}.")
        await _operator(kit, uow, principal).skip(lane, reason=body.reason)
        target = f"{body.source}.{body.topic}.{body.lane}"
        await _note(kit, uow, principal, action="lane.skip", target=target, after=body.model_dump())
    return Done(lanes=1)


@router.post("/rewinds", summary="Hand told facts to the bus again", responses=REWIND_PROBLEMS)
async def rewind(body: Rewind, principal: Operators, kit: TheKit) -> Done:
    """For a bus that lost records. Everything behind `published` that the outbox still holds is handed over once
    more; harmless for consumers that have applied it: they count by sequence. Needs a token without a merchant."""
    need_platform(principal)
    async with kit.database.begin_platform() as uow:
        changed = await bus_state.rewind(uow.connection, topic=body.topic, lane=body.lane, published=body.published)
        if not changed:
            raise not_found("lane of this service")
        target = f"{kit.service}.{body.topic}.{'all' if body.lane is None else body.lane}"
        await _note(kit, uow, principal, action="lane.rewind", target=target, after=body.model_dump())
    return Done(lanes=changed)


async def _unread(kit: Kit, topics: Sequence[str]) -> Mapping[str, int]:
    if kit.bus is None or not topics:
        return {}
    try:
        lag = await asyncio.wait_for(kit.bus.lag(kit.service, topics), BUS_SECONDS)
    except Exception as failure:  # the rest of the answer is worth having while the bus is away
        _log.warning("bus_lag_unknown", error_type=type(failure).__name__)
        return {}
    return {topic: sum(n for partition, n in lag.items() if partition.topic == topic) for topic in topics}


async def _note(
    kit: Kit,
    uow: UnitOfWork,
    principal: Principal,
    *,
    action: str,
    target: str,
    after: Mapping[str, Any] | None = None,
) -> None:
    await audit.record(
        uow.connection,
        merchant_no=uow.merchant_no,
        actor=principal.subject,
        action=action,
        target=target,
        now=kit.clock.now(),
        after=after,
    )


def _operator(kit: Kit, uow: UnitOfWork, principal: Principal) -> Operator:
    """Acts inside the running transaction, so that deed and audit stand or fall together.

    Discards and skips apply nothing, so the group needs neither facts nor a handler here.
    """
    group = Group(kit.service, sources={}, facts={}, handler=_apply_nothing)
    return Operator(group, lambda: nullcontext(uow), principal.subject)


async def _apply_nothing(transaction: Transaction, events: Sequence[AnyEvent]) -> None:
    raise RuntimeError("an API applies no events")


def _merchant_of(event: parked.ParkedEvent) -> UUID:
    if event.status != "parked":
        raise conflict("already-resolved", f"The event is {event.status} already.")
    if event.merchant_id is None:
        raise conflict("no-merchant", "The event names no merchant: let the lane go on with a skip.")
    return event.merchant_id


def need_platform(principal: Principal) -> None:
    """Lanes carry the facts of all merchants: only the platform may move them."""
    if principal.merchant_id is not None:
        raise Problem("platform-required", 403, "Forbidden", "This needs a token without a merchant.")
