"""Members: who has how many points, why, until when, and in which tier."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request

from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of
from libs.servicekit.problems import Flaw, invalid, not_found
from libs.servicekit.table import csv_response, prefers_csv
from libs.servicekit.unit_of_work import UnitOfWork
from services.loyalty.application.parts import Parts
from services.loyalty.application.ports import Ranking
from services.loyalty.application.telling import tier_name
from services.loyalty.application.views import MemberView
from services.loyalty.domain.programmes import Rules
from services.loyalty.domain.tiers import NO_TIER, review
from services.loyalty.entrypoints.access import MembersReader, TheKit, TheParts
from services.loyalty.entrypoints.examples import CUSTOMER_ID, ENTRY, LOT, MEMBER, TIER, answer, page, table
from services.loyalty.entrypoints.governing import governing_rules
from services.loyalty.entrypoints.schemas import (
    EntryDocument,
    LotDocument,
    MemberDocument,
    MoneyDocument,
    TierDocument,
)

router = APIRouter(prefix="/v1/members", tags=["members"])

_MEMBER_COLUMNS = ("customer_id", "enrolled_at", "points", "usable", "pending", "held", "debt", "tier")
_ENTRY_COLUMNS = (
    "entry_id",
    "kind",
    "points",
    "occurred_at",
    "recorded_at",
    "fact_id",
    "order_id",
    "rule_version",
    "actor",
    "reason",
)
_LOT_COLUMNS = ("lot_id", "order_id", "granted", "remaining", "reserved", "available_at", "expires_at", "state")
CustomerId = Annotated[UUID, Path(examples=[CUSTOMER_ID])]
TierFilter = Annotated[str | None, Query(max_length=60, description="Only this tier; `none` is no tier yet.")]


@router.get(
    "", summary="List members, most points first", responses=table(page(MEMBER)), response_model=Page[MemberDocument]
)
async def list_members(
    request: Request,
    principal: MembersReader,
    kit: TheKit,
    parts: TheParts,
    tier: TierFilter = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:  # a page or a CSV response
    """Ties by account, in one stable order; `tier` narrows the list to one step of the ladder."""
    position = decode_cursor(cursor, points=int, account=int)
    after = Ranking(position["points"], position["account"]) if position else None
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        rules = await governing_rules(parts, uow, now)
        step = _step(tier, rules)
        found = await parts.members.page(uow, step=step, after=after, limit=limit + 1, at=now)
    shown = page_of(
        found,
        limit=limit,
        shown=lambda member: MemberDocument.of(member, tier_name(rules, member.step)),
        position=lambda member: {"points": member.points, "account": member.account_id},
    )
    return csv_response(_MEMBER_COLUMNS, map(_row, shown.items), name="members") if prefers_csv(request) else shown


@router.get("/{customer_id}", summary="Show a member; an absorbed customer is its survivor", responses=answer(MEMBER))
async def show_member(
    customer_id: CustomerId, principal: MembersReader, kit: TheKit, parts: TheParts
) -> MemberDocument:
    """The balance by state, and the tier that holds now."""
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        rules = await governing_rules(parts, uow, now)
        member = await _found(parts, uow, customer_id, now)
    return MemberDocument.of(member, tier_name(rules, member.step))


@router.get(
    "/{customer_id}/entries",
    summary="List a member's entries, newest first",
    responses=table(page(ENTRY)),
    response_model=Page[EntryDocument],
)
async def list_entries(
    request: Request,
    customer_id: CustomerId,
    principal: MembersReader,
    kit: TheKit,
    parts: TheParts,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:  # a page or a CSV response
    """The statement: every movement with the fact or person that caused it."""
    position = decode_cursor(cursor, entry=int)
    async with kit.database.read(principal.merchant) as uow:
        member = await _found(parts, uow, customer_id, kit.clock.now())
        before = position["entry"] if position else None
        found = await parts.members.entries(uow, member.account_id, before=before, limit=limit + 1)
    shown = page_of(found, limit=limit, shown=EntryDocument.of, position=lambda entry: {"entry": entry.txn_id})
    if not prefers_csv(request):
        return shown
    rows = ({**each.model_dump(), **each.cause.model_dump()} for each in shown.items)
    return csv_response(_ENTRY_COLUMNS, ([row[name] for name in _ENTRY_COLUMNS] for row in rows), name="entries")


@router.get(
    "/{customer_id}/lots",
    summary="List what is left of a member's points, lot by lot, oldest first",
    responses=table(page(LOT)),
    response_model=Page[LotDocument],
)
async def list_lots(
    request: Request,
    customer_id: CustomerId,
    principal: MembersReader,
    kit: TheKit,
    parts: TheParts,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Any:  # a page or a CSV response
    """Points granted together, with when they become usable and when they expire."""
    position, now = decode_cursor(cursor, lot=int), kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        member = await _found(parts, uow, customer_id, now)
        after = position["lot"] if position else None
        found = await parts.members.lots(uow, member.account_id, after=after, limit=limit + 1)
    shown = page_of(
        found, limit=limit, shown=lambda lot: LotDocument.of(lot, now), position=lambda lot: {"lot": lot.lot_id}
    )
    rows: list[list[object]] = [[getattr(lot, name) for name in _LOT_COLUMNS] for lot in shown.items]
    return csv_response(_LOT_COLUMNS, rows, name="lots") if prefers_csv(request) else shown


@router.get(
    "/{customer_id}/tier",
    summary="Show a member's tier, how long it lasts, what is missing to the next",
    responses=answer(TIER),
)
async def show_tier(customer_id: CustomerId, principal: MembersReader, kit: TheKit, parts: TheParts) -> TierDocument:
    """Reviewed as of now, from the orders of the rolling year."""
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        rules = await governing_rules(parts, uow, now)
        member = await _found(parts, uow, customer_id, now)
        year = await parts.members.year(uow, member.account_id)
    standing = year.standing
    review(standing, rules.tiers, now)  # on the copy that was read: what the timers will find
    ahead = rules.tiers[standing.step] if standing.step < len(rules.tiers) else None
    return TierDocument(
        customer_id=year.customer_id,
        tier=tier_name(rules, standing.step),
        since=standing.since if standing.step != NO_TIER else None,
        valid_until=standing.review_at,
        qualifying_spend=MoneyDocument(amount_minor=standing.spend, currency=rules.currency),
        next_tier=ahead.name if ahead else None,
        missing=MoneyDocument(amount_minor=ahead.threshold_minor - standing.spend, currency=rules.currency)
        if ahead
        else None,
    )


async def _found(parts: Parts, uow: UnitOfWork, customer_id: UUID, now: datetime) -> MemberView:
    member = await parts.members.find(uow, customer_id, now)
    if member is None:
        raise not_found("member")
    return member


def _step(tier: str | None, rules: Rules) -> int | None:
    if tier is None:
        return None
    names = ["none", *(each.name for each in rules.tiers)]
    if tier not in names:
        raise invalid("See errors.", [Flaw(pointer="/query/tier", detail=f"one of {', '.join(names)}")])
    return names.index(tier)


def _row(member: MemberDocument) -> list[object]:
    balance = member.balance
    return [
        member.customer_id,
        member.enrolled_at,
        member.points,
        balance.usable,
        balance.pending,
        balance.held,
        balance.debt,
        member.tier,
    ]
