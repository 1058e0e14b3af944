"""The loyalty fold's effects by ORM, one transaction per event: load objects, change them, commit."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from libs.contracts.commerce import (
    CustomerRegisteredV1,
    OrderCancelledV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
)
from libs.contracts.envelope import Event, from_headers
from libs.contracts.registry import fact_class
from libs.eventbus.port import Outgoing
from tests.bench.peers.orm_ledger import LedgerEntry, Lot, Member, Order, OutboxEvent, ProcessedEvent

_MINOR_PER_POINT: Final = 100
_THRESHOLDS: Final = (50_000, 200_000, 500_000)
"""What a new merchant's programme says: a point per whole unit, and three tiers by the year's spend."""


async def consume(sessions: async_sessionmaker[AsyncSession], record: Outgoing) -> None:
    """The record's effects are committed, once however often it comes."""
    envelope, position = from_headers(from_json(record.headers))
    event = Event(envelope, fact_class(envelope.type).from_bytes(record.payload), position)
    async with sessions.begin() as session:
        if await session.get(ProcessedEvent, event.id) is not None:
            return
        session.add(ProcessedEvent(event_id=event.id))
        reaction = _REACTIONS.get(type(event.fact))
        if reaction is not None:
            await reaction(session, event)


async def _registered(session: AsyncSession, event: Event[CustomerRegisteredV1]) -> None:
    member = await _member(session, event)
    if member.enrolled_at is None:
        member.enrolled_at = event.fact.registered_at
        _tell(session, event, "member.enrolled.v1", {"enrolled_at": event.fact.registered_at.isoformat()})


async def _placed(session: AsyncSession, event: Event[OrderPlacedV1]) -> None:
    fact = event.fact
    await _member(session, event)
    order = Order(
        order_id=fact.order_id,
        customer_id=fact.customer_id,
        version=fact.version,
        placed_at=fact.placed_at,
        currency=fact.currency,
        eligible=sum(line.total_minor for line in fact.lines if not line.gift_card),
        window_ends_at=fact.return_window_ends_at,
    )
    session.add(order)


async def _paid(session: AsyncSession, event: Event[OrderPaidV1]) -> None:
    order = await session.get_one(Order, event.fact.order_id)
    order.paid_at = event.fact.at
    await _settle(session, event, order)


async def _refunded(session: AsyncSession, event: Event[OrderRefundedV1]) -> None:
    order = await session.get_one(Order, event.fact.order_id)
    heard = {str(line.line_id): line.amount_minor for line in event.fact.cumulative_lines}
    order.line_refunds = {**order.line_refunds, **heard}
    order.refunded = min(order.eligible, sum(order.line_refunds.values()))
    await _settle(session, event, order)


async def _cancelled(session: AsyncSession, event: Event[OrderCancelledV1]) -> None:
    order = await session.get_one(Order, event.fact.order_id)
    order.cancelled_at = event.fact.at
    await _settle(session, event, order)


async def _settle(session: AsyncSession, event: Event[Any], order: Order) -> None:
    """Points, lots and tier are what the order is worth now."""
    member = await session.get_one(Member, order.customer_id)
    net = order.eligible - order.refunded if order.paid_at and not order.cancelled_at else 0
    missing = net // _MINOR_PER_POINT - (order.earned - order.reversed)
    if missing > 0:
        await _earn(session, event, member, order, missing)
    elif missing < 0:
        await _claw_back(session, event, member, order, -missing)
    member.spend += net - order.counted
    order.counted = net
    step = sum(1 for threshold in _THRESHOLDS if member.spend >= threshold)
    if step != member.step:
        kind = "tier.upgraded.v1" if step > member.step else "tier.downgraded.v1"
        _tell(session, event, kind, {"from": member.step, "to": step, "spend": member.spend})
        member.step = step


async def _earn(session: AsyncSession, event: Event[Any], member: Member, order: Order, points: int) -> None:
    order.earned += points
    member.posted += points
    session.add(_entry(event, order, "earn", debit="mint", credit=str(member.customer_id), points=points))
    lot = Lot(
        customer_id=member.customer_id,
        order_id=order.order_id,
        granted=points,
        remaining=points,
        available_at=order.window_ends_at,
    )
    session.add(lot)
    _tell(session, event, "points.earned.v1", {"points": points, "posted": member.posted})


async def _claw_back(session: AsyncSession, event: Event[Any], member: Member, order: Order, points: int) -> None:
    order.reversed += points
    missing = points
    lots = await session.scalars(
        select(Lot)
        .where(Lot.customer_id == member.customer_id, Lot.remaining > 0)
        .order_by(Lot.order_id != order.order_id, Lot.available_at, Lot.id)
    )
    for lot in lots:
        part = min(lot.remaining, missing)
        lot.remaining -= part
        missing -= part
        if not missing:
            break
    member.posted -= points
    member.debt += missing
    session.add(_entry(event, order, "clawback", debit=str(member.customer_id), credit="mint", points=points))
    _tell(session, event, "points.clawed_back.v1", {"points": points, "posted": member.posted})


async def _member(session: AsyncSession, event: Event[Any]) -> Member:
    member = await session.get(Member, event.fact.customer_id)
    if member is None:
        member = Member(customer_id=event.fact.customer_id, merchant_id=event.merchant_id)
        session.add(member)
        await session.flush()
    return member


def _entry(event: Event[Any], order: Order, kind: str, *, debit: str, credit: str, points: int) -> LedgerEntry:
    return LedgerEntry(
        customer_id=order.customer_id,
        order_id=order.order_id,
        kind=kind,
        debit=debit,
        credit=credit,
        points=points,
        cause=event.id,
        occurred_at=event.envelope.occurred_at,
    )


def _tell(session: AsyncSession, event: Event[Any], kind: str, payload: dict[str, Any]) -> None:
    key = f"{event.merchant_id}:{event.envelope.subject}"
    session.add(OutboxEvent(key=key, type=kind, payload={**payload, "cause": str(event.id)}))


_REACTIONS: Final[dict[type, Callable[[AsyncSession, Event[Any]], Awaitable[None]]]] = {
    CustomerRegisteredV1: _registered,
    OrderPlacedV1: _placed,
    OrderPaidV1: _paid,
    OrderRefundedV1: _refunded,
    OrderCancelledV1: _cancelled,
}
