"""What is due by the clock: each kind of note, and the use case that looks again."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from libs.contracts.envelope import Said
from libs.servicekit.idempotency import forget_old_keys
from libs.servicekit.timers import Due, TimerHandler
from libs.servicekit.unit_of_work import UnitOfWork
from services.loyalty.application.look_again import (
    ACTIVATION,
    CLOSE_DAYS,
    EXPIRY,
    TIER_REVIEW,
    activate_lots,
    expire_lots,
    judge_orders,
    plan_next_close,
    review_tier,
)
from services.loyalty.application.needs import Keys, Scope, whole_scope
from services.loyalty.application.ports import Housekeeping, Ledgers
from services.loyalty.application.register_merchant import CATCH_UP
from services.loyalty.application.workspace import Member, Merchant, Timer, Workspace

_PAGE = 500
_MOMENT = timedelta(microseconds=1)
LookAgain = Callable[[Workspace, Merchant, Member, datetime], None]
ScopeOf = Callable[[Member, datetime, datetime], Scope]


class Schedule:
    """Handlers of due rows. A row is a hint: what it names is locked and judged by its state and the clock."""

    def __init__(self, ledgers: Ledgers, housekeeping: Housekeeping) -> None:
        self._ledgers = ledgers
        self._housekeeping = housekeeping

    def handlers(self) -> Mapping[str, TimerHandler]:
        """Kind of note -> handler: the complete answer to "what does this service do by itself?"."""
        return {
            ACTIVATION: self._each_member(activate_lots, _coming_alive),
            EXPIRY: self._each_member(expire_lots, _all_alive),
            TIER_REVIEW: self._each_member(review_tier, _whole_year),
            CATCH_UP: self._catch_up,
            CLOSE_DAYS: self._close_days,
        }

    def _each_member(self, look_again: LookAgain, scope_of: ScopeOf) -> TimerHandler:
        async def handle(uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
            first: dict[tuple[UUID, int], datetime] = {}
            for row in rows:
                key = (_merchant(row), _account(row))
                first[key] = min(row.due_at, first.get(key, row.due_at))
            workspace = await self._ledgers.open(uow, Keys({key[0] for key in first}, accounts=set(first)))
            members = {key: workspace.members[key[1]] for key in sorted(first)}
            scopes = {key[1]: scope_of(member, first[key], now) for key, member in members.items()}
            await self._ledgers.fill(uow, workspace, scopes)
            for (merchant_id, _), member in members.items():
                look_again(workspace, workspace.merchant(merchant_id), member, now)
            await self._finish(uow, workspace)

        return handle

    async def _catch_up(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        for row in rows:
            await self._judge_page(uow, row, now)

    async def _judge_page(self, uow: UnitOfWork, row: Due, now: datetime) -> None:
        merchant_id = _merchant(row)
        workspace = await self._ledgers.open(uow, Keys({merchant_id}))
        merchant = workspace.merchant(merchant_id)
        if merchant.programme is None:
            return
        after = str(row.payload.get("after", ""))
        order_ids = await self._housekeeping.unjudged(
            uow,
            merchant.merchant_no,
            newest=merchant.programme.newest.number,
            after=UUID(after) if after else None,
            limit=_PAGE,
        )
        workspace = await self._ledgers.open(uow, Keys({merchant_id}, orders={(merchant_id, o) for o in order_ids}))
        await self._ledgers.fill(uow, workspace, _late_orders(workspace))
        judge_orders(workspace, workspace.merchant(merchant_id), order_ids, now)
        if len(order_ids) == _PAGE:
            payload: dict[str, str | int] = {"after": str(order_ids[-1])}
            workspace.timers.append(Timer(row.merchant_no, CATCH_UP, row.key, now, payload))
        await self._finish(uow, workspace)

    async def _close_days(self, uow: UnitOfWork, rows: Sequence[Due], now: datetime) -> None:
        workspace = await self._ledgers.open(uow, Keys({_merchant(row) for row in rows}))
        for row in rows:
            await self._housekeeping.close_days(uow, row.merchant_no, before=now.date(), now=now)
            plan_next_close(workspace, row.merchant_no, now)
        await forget_old_keys(uow.connection, now)
        await self._finish(uow, workspace)

    async def _finish(self, uow: UnitOfWork, workspace: Workspace) -> None:
        await self._ledgers.store(uow, workspace)
        _tell(uow, workspace.said)


def _tell(uow: UnitOfWork, said: Iterable[Said]) -> None:
    for each in said:
        uow.say(each)


def _coming_alive(member: Member, due_at: datetime, now: datetime) -> Scope:
    return Scope(since=due_at - _MOMENT, until=now, lots=True)


def _all_alive(member: Member, due_at: datetime, now: datetime) -> Scope:
    return whole_scope(member, now)


def _whole_year(member: Member, due_at: datetime, now: datetime) -> Scope:
    return Scope(since=now, until=now, year=True)


def _late_orders(workspace: Workspace) -> dict[int, Scope]:
    scopes: dict[int, Scope] = defaultdict(Scope)
    for order in workspace.orders.values():
        scope = scopes[workspace.survivor(order.account_id).account.account_id]
        scope.lots = True
        if order.paid_at is not None:
            scope.reach(order.paid_at)
    return scopes


def _merchant(row: Due) -> UUID:
    assert row.merchant_id is not None, "the timer loop names the merchant of every row"
    return row.merchant_id


def _account(row: Due) -> int:
    return int(row.payload["account"])
