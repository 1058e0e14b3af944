"""What a batch of facts needs in memory: little for the usual grant, everything where points may be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerMergedV1,
    CustomerUnmergedV1,
    MerchantRegisteredV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderLine,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    StoreErasedV1,
)
from libs.contracts.envelope import Event
from services.loyalty.application.workspace import Member, OrderKey, Workspace
from services.loyalty.domain.orders import Order, eligible_of

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)

_TELLING = (OrderPlacedV1, OrderChangedV1)
_UNDOING = (OrderRefundedV1, OrderCancelledV1, OrderDeletedV1)
_ABOUT_ORDERS = (*_TELLING, *_UNDOING, OrderPaidV1)
AnyEvent = Event[Any]  # the fact's class is told apart by isinstance below


@dataclass(slots=True)
class Keys:
    """Rows to find and lock: the first of two looks."""

    merchants: set[UUID] = field(default_factory=set)
    customers: set[tuple[UUID, UUID]] = field(default_factory=set)  # merchant_id, customer_id
    orders: set[tuple[UUID, UUID]] = field(default_factory=set)  # merchant_id, order_id
    accounts: set[tuple[UUID, int]] = field(default_factory=set)  # merchant_id, account_id
    entries: set[tuple[UUID, UUID]] = field(default_factory=set)  # merchant_id, entry_id


@dataclass(slots=True)
class Scope:
    """What to load of one member: the second look, which the locked rows decide."""

    since: datetime = FOR_EVER  # lots that become usable later than this are needed
    until: datetime = ALWAYS
    lots: bool = False
    whole: bool = False  # all live lots and open holds
    year: bool = False  # all orders of the year, whether or not they leave it

    def reach(self, at: datetime) -> None:
        self.since = min(self.since, at)
        self.until = max(self.until, at)


@dataclass(slots=True)
class _Known:
    """An order as the facts so far tell it: those stored, and those earlier in the batch."""

    holder: Member
    eligible: int = 0
    paid: bool = False
    refunded: bool = False
    earned: bool = False  # it may hold points


def keys_of(events: Sequence[AnyEvent]) -> Keys:
    """The rows that the facts name."""
    keys = Keys()
    for event in events:
        merchant_id, fact = event.merchant_id, event.fact
        keys.merchants.add(merchant_id)
        if isinstance(fact, MerchantRegisteredV1 | StoreErasedV1 | CustomerDataRequestedV1):
            continue
        keys.customers.add((merchant_id, fact.customer_id))
        if isinstance(fact, CustomerMergedV1):
            keys.customers.add((merchant_id, fact.into_customer_id))
        elif isinstance(fact, CustomerUnmergedV1):
            keys.customers |= {(merchant_id, fact.restored_customer_id), (merchant_id, fact.survivor_customer_id)}
            keys.orders |= {(merchant_id, order_id) for order_id in fact.order_ids}
        elif isinstance(fact, _ABOUT_ORDERS):
            keys.orders.add((merchant_id, fact.order_id))
    return keys


def scopes_of(workspace: Workspace, events: Sequence[AnyEvent]) -> dict[int, Scope]:
    """What each member's rows must be loaded with before the facts are heard."""
    scopes: dict[int, Scope] = {}
    known: dict[OrderKey, _Known] = {}
    for event in events:
        fact = event.fact
        if isinstance(fact, CustomerMergedV1):
            _merge(workspace, event, scopes)
        elif isinstance(fact, CustomerUnmergedV1):
            _unmerge(workspace, event, scopes)
        elif isinstance(fact, _ABOUT_ORDERS):
            _order(workspace, event, scopes, known)
    for account_id, scope in scopes.items():
        _widen(workspace.members[account_id], scope)
    return scopes


def whole_scope(member: Member, at: datetime) -> Scope:
    """A scope with everything that is alive, for a command on this one member."""
    scope = Scope(since=at, until=at, lots=True, whole=True)
    _widen(member, scope)
    return scope


def _merge(workspace: Workspace, event: AnyEvent, scopes: dict[int, Scope]) -> None:
    merchant_no = workspace.merchant(event.merchant_id).merchant_no
    for customer_id in (event.fact.customer_id, event.fact.into_customer_id):
        member = workspace.member(merchant_no, customer_id)
        _all_of(member, event, scopes)


def _all_of(member: Member, event: AnyEvent, scopes: dict[int, Scope]) -> None:
    scope = scopes.setdefault(member.account.account_id, Scope())
    scope.reach(event.envelope.occurred_at)
    scope.lots = scope.whole = scope.year = True


def _unmerge(workspace: Workspace, event: AnyEvent, scopes: dict[int, Scope]) -> None:
    """Also the restored account itself, which may be an alias still, and whoever holds its orders."""
    fact, merchant_no = event.fact, workspace.merchant(event.merchant_id).merchant_no
    members = [workspace.member(merchant_no, each) for each in (fact.restored_customer_id, fact.survivor_customer_id)]
    members.append(workspace.members[workspace.accounts[merchant_no, fact.restored_customer_id]])
    known = (workspace.orders.get((merchant_no, order_id)) for order_id in fact.order_ids)
    members += [workspace.survivor(order.account_id) for order in known if order is not None]
    for member in members:
        _all_of(member, event, scopes)


def _order(workspace: Workspace, event: AnyEvent, scopes: dict[int, Scope], known: dict[OrderKey, _Known]) -> None:
    fact = event.fact
    merchant_no = workspace.merchant(event.merchant_id).merchant_no
    owner = workspace.member(merchant_no, fact.customer_id)
    key = (merchant_no, fact.order_id)
    if key not in known:
        known[key] = _known(workspace, workspace.orders.get(key), owner)
    before = known[key]
    undone = isinstance(fact, _UNDOING) and before.earned
    whole = undone or (isinstance(fact, _TELLING) and _may_take_back(fact, before, owner))
    for member in {id(each): each for each in (owner, before.holder)}.values():
        scope = scopes.setdefault(member.account.account_id, Scope())
        scope.reach(event.envelope.occurred_at)
        scope.whole |= whole
        scope.lots |= whole or before.paid or isinstance(fact, OrderPaidV1)
    if isinstance(fact, _TELLING):
        before.holder = owner
    # Whatever tells of the order may complete it, and what was short of points before may be worth some now.
    before.earned = True


def _known(workspace: Workspace, order: Order | None, owner: Member) -> _Known:
    if order is None:
        return _Known(owner)
    award = workspace.awards.get((order.merchant_no, order.order_id))
    return _Known(
        workspace.survivor(order.account_id),
        order.eligible,
        paid=order.paid_at is not None,
        refunded=bool(order.line_refunds and order.told),
        earned=award is not None and award.earned > award.reversed,
    )


def _may_take_back(fact: OrderPlacedV1 | OrderChangedV1, before: _Known, owner: Member) -> bool:
    """True where the order may be worth less to its holder afterwards."""
    eligible = eligible_of_lines(fact.lines)
    highest, before.eligible = before.eligible, max(before.eligible, eligible)
    return eligible < highest or before.refunded or before.holder is not owner


def eligible_of_lines(lines: Sequence[OrderLine]) -> int:
    """What was paid for goods on these lines."""
    return eligible_of((line.total_minor, line.gift_card) for line in lines)


def _widen(member: Member, scope: Scope) -> None:
    """Lots that die in reach must be there to be buried."""
    expiry = member.account.next_expiry
    if expiry is not None and expiry <= scope.until:
        scope.lots = scope.whole = True
