"""What one transaction works on: everything that was loaded under its locks, changed in memory, then stored."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.contracts.customers import CustomerDataRequestedV1
from libs.contracts.envelope import Event, Said
from services.loyalty.application.errors import NotLoaded
from services.loyalty.domain.accounts import Account
from services.loyalty.domain.awards import Award
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Journal
from services.loyalty.domain.orders import Order
from services.loyalty.domain.programmes import Programme, Rules
from services.loyalty.domain.tiers import Standing


@dataclass(slots=True)
class Merchant:
    """A merchant under its local number; without a programme while only its customers were heard of."""

    merchant_no: int
    merchant_id: UUID
    programme: Programme | None = None


@dataclass(slots=True)
class Member:
    """A customer's account with the standing in the tiers; `planned` is the review that the timers know of."""

    book: Book
    standing: Standing
    planned: datetime | None = None
    loaded: tuple[object, ...] | None = None  # as it stands in its table, to tell whether it changed

    @property
    def account(self) -> Account:
        return self.book.account

    def obey(self, rules: Rules) -> None:
        """The account owes as the rules of the day allow; a lowered limit spares what is owed already."""
        self.book.policy = rules.debt_policy
        self.account.max_debt = max(rules.max_debt, self.account.debt)


@dataclass(frozen=True, slots=True)
class Registration:
    """A merchant told its name; with `lays_down` its first programme version is to be stored."""

    merchant_no: int
    name: str
    currency: str
    time_zone: str
    registered_at: datetime
    lays_down: Programme | None


@dataclass(frozen=True, slots=True)
class Timer:
    """Something must be looked at again at `due_at`."""

    merchant_no: int
    kind: str
    key: str
    due_at: datetime
    payload: dict[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """An entry that stood before this transaction, found by its idempotency key."""

    entry_id: UUID
    fingerprint: bytes | None


MemberKey = tuple[int, UUID]
OrderKey = tuple[int, UUID]


@dataclass(slots=True)
class Workspace:
    """One batch's working copy; `said` is told when it commits."""

    now: datetime
    said: list[Said] = field(default_factory=list)
    journal: Journal = field(default_factory=Journal)
    merchants: dict[UUID, Merchant] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    accounts: dict[MemberKey, int] = field(default_factory=dict)
    orders: dict[OrderKey, Order] = field(default_factory=dict)
    awards: dict[OrderKey, Award] = field(default_factory=dict)
    done: dict[UUID, Done] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    absorbed: list[tuple[int, int, int]] = field(default_factory=list)  # merchant_no, absorbed, survivor
    forgotten: set[tuple[int, int]] = field(default_factory=set)  # merchant_no, account of an erased person
    data_requests: list[Event[CustomerDataRequestedV1]] = field(default_factory=list)  # answered by a timer

    def merchant(self, merchant_id: UUID) -> Merchant:
        """Raises: NotLoaded."""
        try:
            return self.merchants[merchant_id]
        except KeyError:
            raise NotLoaded(f"merchant {merchant_id}") from None

    def member(self, merchant_no: int, customer_id: UUID) -> Member:
        """The member that the customer is now, whoever absorbed it meanwhile.

        Raises: NotLoaded.
        """
        try:
            return self.survivor(self.accounts[merchant_no, customer_id])
        except KeyError:
            raise NotLoaded(f"customer {customer_id}") from None

    def survivor(self, account_id: int) -> Member:
        """The member at the end of the account's aliases; a circle ends where it began.

        Raises: NotLoaded.
        """
        visited: set[int] = set()
        while account_id not in visited:
            visited.add(account_id)
            if account_id not in self.members:
                raise NotLoaded(f"account {account_id}")
            alias_of = self.members[account_id].account.alias_of
            if alias_of is None:
                break
            account_id = alias_of
        return self.members[account_id]

    def order(self, merchant_no: int, order_id: UUID, account_id: int) -> Order:
        """The order as known, or a shell on the account."""
        key = (merchant_no, order_id)
        if key not in self.orders:
            self.orders[key] = Order(merchant_no, order_id, account_id)
        order = self.orders[key]
        order.touched = True
        return order

    def books(self) -> Iterator[Book]:
        return (member.book for member in self.members.values())
