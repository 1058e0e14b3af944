"""Random lives of a ledger, compared with the plain model after every step."""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from libs.contracts.envelope import Event
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.accounts import Balance, DebtPolicy
from services.loyalty.domain.adjusting import adjust_down, adjust_up
from services.loyalty.domain.entries import Header, entry_id
from services.loyalty.domain.errors import DebtBlocks, InsufficientPoints
from services.loyalty.domain.programmes import Rules, Tier
from services.loyalty.domain.spending import SpentPart, capture, give_back, hold, release, spend
from tests.services.loyalty.facts import DAY, START, Facts, uid
from tests.services.loyalty.model import Model, ModelLot, ModelMember, ModelOrder

NAMES = ("a", "b", "c")
names = st.sampled_from(NAMES)
points = st.integers(1, 120)


class World(Protocol):
    """A ledger under test."""

    def hear(self, *events: Event[Any], crash: bool = False) -> None: ...

    def command(self, name: str, command: Callable[[Workspace, Member], object], *, key: str) -> None:
        """`key` is looked for among the entries that stand."""

    def balance(self, name: str, at: datetime) -> Balance: ...

    def arrive(self, at: datetime) -> None:
        """It is `at` now."""


@dataclass
class Step:
    """A step that can be told again."""

    again: Callable[[], None]


class LedgerMachine(RuleBasedStateMachine):
    """Subclasses give a world that keeps the rules it is started with."""

    world: World
    model: Model
    facts: Facts

    def start(self, rules: Rules) -> World:
        raise AssertionError("the subclass starts its world")

    def broken(self) -> Sequence[object]:
        raise AssertionError("the subclass examines its world")

    @initialize(
        policy=st.sampled_from(list(DebtPolicy)),
        max_debt=st.sampled_from([0, 40, 10_000]),
        days=st.sampled_from([None, 8]),
        window=st.sampled_from([timedelta(0), 3 * DAY]),
    )
    def begin(self, policy: DebtPolicy, max_debt: int, days: int | None, window: timedelta) -> None:
        rules = Rules("JPY", 1, days, policy, max_debt, (Tier("Silver", 150), Tier("Gold", 400)))
        self.facts = Facts(currency="JPY", at=START + DAY, window=window)
        self.world = self.start(rules)
        life = timedelta(days=days) if days else None
        members = {name: ModelMember() for name in NAMES}
        self.model = Model(policy.value, max_debt, life, self.facts.at, members)
        self.spent: dict[str, tuple[str, int, list[SpentPart], list[tuple[ModelLot, int]]]] = {}
        self.last: Step | None = None
        self.count = 0

    def now(self) -> datetime:
        return self.facts.at

    def arrive(self, at: datetime) -> None:
        self.facts.at = self.model.now = at
        self.world.arrive(at)
        self.last = None

    def told(self, *events: Event[Any]) -> None:
        """The facts are heard; the same may be heard again."""
        self.world.hear(*events)
        self.last = Step(lambda: self.world.hear(*events))

    def key(self) -> str:
        self.count += 1
        return f"test:{self.count}"

    def commanded(self, name: str, key: str, command: Callable[[Member, Header], object]) -> None:
        """The command is carried out once, however often it comes under its key."""

        def once(workspace: Workspace, member: Member) -> None:
            if entry_id(self.facts.merchant_id, key) not in workspace.done:
                command(member, Header(key=key, at=self.now()))

        self.last = None
        self.world.command(name, once, key=key)
        self.last = Step(lambda: self.world.command(name, once, key=key))

    def pick(self, orders: Sequence[str], choice: int) -> str:
        return orders[choice % len(orders)]

    @rule(name=names, total=points, crash=st.booleans())
    def buy(self, name: str, total: int, crash: bool) -> None:
        order = f"o{len(self.model.orders)}"
        events = (self.facts.placed(name, order, total, version=1), self.facts.paid(name, order))
        if crash:
            self.world.hear(*events, crash=True)
        self.told(*events)
        usable_from = self.now() + self.facts.window
        self.model.orders[order] = ModelOrder(name, total, paid=True, usable_from=usable_from)
        self.model.converge(order)

    @precondition(lambda self: self.model.orders)
    @rule(choice=st.integers(0, 99), total=points)
    def edit(self, choice: int, total: int) -> None:
        order = self.pick(list(self.model.orders), choice)
        known = self.model.orders[order]
        version = 2 + self.facts.told
        placed_at = (known.usable_from or self.now()) - self.facts.window
        self.told(self.facts.changed(known.customer, order, total, version=version, placed_at=placed_at))
        known.eligible = total
        self.model.converge(order)

    @precondition(lambda self: self.model.orders)
    @rule(choice=st.integers(0, 99), amount=points, crash=st.booleans())
    def refund(self, choice: int, amount: int, crash: bool) -> None:
        """In any order: a refund that says less than one before it changes nothing."""
        order = self.pick(list(self.model.orders), choice)
        known = self.model.orders[order]
        event = self.facts.refunded(known.customer, order, amount)
        if crash:
            self.world.hear(event, crash=True)
        self.told(event)
        known.refunded = max(known.refunded, amount)
        self.model.converge(order)

    @precondition(lambda self: self.model.orders)
    @rule(choice=st.integers(0, 99))
    def cancel(self, choice: int) -> None:
        order = self.pick(list(self.model.orders), choice)
        known = self.model.orders[order]
        self.told(self.facts.cancelled(known.customer, order))
        known.void = True
        self.model.converge(order)

    @rule(name=names, wanted=points)
    def redeem(self, name: str, wanted: int) -> None:
        key = self.key()
        if not self.model.may_spend(name, wanted):
            with pytest.raises((InsufficientPoints, DebtBlocks)):
                self.commanded(name, key, lambda member, header: spend(member.book, header, points=wanted))
            return
        parts: list[SpentPart] = []

        def command(member: Member, header: Header) -> None:
            lots = dict(member.book.lots)
            entry = spend(member.book, header, points=wanted)
            parts[:] = [
                SpentPart(lot_id, lots[lot_id].order_id, -moved, lots[lot_id].available_at, lots[lot_id].expires_at)
                for lot_id, moved in entry.moves.items()
            ]

        self.commanded(name, key, command)
        self.spent[key] = (name, wanted, parts, self.model.spend(name, wanted))

    @rule(name=names)
    def redeem_all(self, name: str) -> None:
        """What makes a later refund a debt."""
        self.model.settle(name)
        if usable := self.model.usable(name):
            self.redeem(name, usable)

    @precondition(lambda self: self.spent)
    @rule(choice=st.integers(0, 99))
    def undo_redemption(self, choice: int) -> None:
        name, wanted, parts, taken = self.spent.pop(self.pick(list(self.spent), choice))
        self.commanded(
            name, self.key(), lambda member, header: give_back(member.book, header, spent=parts, points=wanted)
        )
        self.model.give_back(name, taken)

    @rule(name=names, wanted=points, hours=st.integers(1, 24))
    def reserve(self, name: str, wanted: int, hours: int) -> None:
        key, end = self.key(), self.now() + timedelta(hours=hours)

        def command(member: Member, header: Header) -> object:
            return hold(member.book, header, hold_id=uid(key + str(id(self))), points=wanted, expires_at=end)

        if not self.model.may_spend(name, wanted):
            with pytest.raises((InsufficientPoints, DebtBlocks)):
                self.commanded(name, key, command)
            return
        self.commanded(name, key, command)
        self.model.hold(name, key, wanted, end)

    @precondition(lambda self: self.model.holds)
    @rule(choice=st.integers(0, 99), share=st.integers(1, 4))
    def take(self, choice: int, share: int) -> None:
        held = self.pick(list(self.model.holds), choice)
        name, _ = self.model.holds[held]
        amount = sum(lot.held.get(held, 0) for lot in self.model.member(name).lots)
        wanted = -(-amount * share // 4)
        self.model.settle(name)
        blocked = self.model.policy == "block" and self.model.member(name).debt > 0
        if held not in self.model.holds or blocked:
            return
        hold_id = uid(held + str(id(self)))
        self.commanded(name, self.key(), lambda m, header: capture(m.book, header, hold_id=hold_id, points=wanted))
        self.model.capture(held, wanted)

    @precondition(lambda self: self.model.holds)
    @rule(choice=st.integers(0, 99))
    def let_go(self, choice: int) -> None:
        held = self.pick(list(self.model.holds), choice)
        name, _ = self.model.holds[held]
        self.model.settle(name)
        if held not in self.model.holds:
            return
        hold_id = uid(held + str(id(self)))
        self.commanded(name, self.key(), lambda member, header: release(member.book, header, hold_id=hold_id))
        self.model.release(held, self.now())

    @rule(name=names, signed=st.integers(-80, 80).filter(bool))
    def adjust(self, name: str, signed: int) -> None:
        key = self.key()
        self.model.settle(name)
        if signed > 0:
            self.commanded(name, key, lambda member, header: adjust_up(member.book, header, points=signed))
            self.model.grant(name, signed, self.now(), None, None)
            return
        if self.model.usable(name) + self.model.pending(name) < -signed:
            with pytest.raises(InsufficientPoints):
                self.commanded(name, key, lambda member, header: adjust_down(member.book, header, points=-signed))
            return
        self.commanded(name, key, lambda member, header: adjust_down(member.book, header, points=-signed))
        lots = self.model.in_order(name, self.now())
        self.model.take(sorted(lots, key=lambda lot: lot.usable_from > self.now()), -signed)

    @rule(hours=st.sampled_from([1, 6, 24, 80, 250]))
    def wait(self, hours: int) -> None:
        self.arrive(self.now() + timedelta(hours=hours))

    @rule()
    def wait_for_the_next_end(self) -> None:
        """To the very instant at which a lot dies or a hold ends."""
        lots = [lot.dies_at for member in self.model.members.values() for lot in member.lots if lot.free or lot.held]
        ends = [end for _, end in self.model.holds.values()]
        ahead = [at for at in (*lots, *ends) if at is not None and at > self.now()]
        if ahead:
            self.arrive(min(ahead))

    @rule(name=names, into=names)
    def merge(self, name: str, into: str) -> None:
        if name in self.model.alias or self.model.who(into) == name:
            return
        version = 2 + self.facts.told
        self.told(self.facts.merged(name, self.model.who(into), version=version))
        self.model.merge(name, self.model.who(into))

    @precondition(lambda self: self.last is not None)
    @rule()
    def duplicate(self) -> None:
        """The step before, once more."""
        assert self.last is not None
        self.last.again()

    @invariant()
    def agrees(self) -> None:
        """Usable, pending, held and debt are the model's, and no invariant of the ledger is broken."""
        if not hasattr(self, "model"):
            return
        self.model.settle_all()
        for name in NAMES:
            owner = self.model.who(name)
            expected = Balance(
                usable=self.model.usable(owner),
                pending=self.model.pending(owner),
                held=self.model.held(owner),
                debt=self.model.member(owner).debt,
            )
            found = self.world.balance(name, self.now())
            assert found == expected, f"{name}: the ledger has {found}, the model {expected}"
        assert not self.broken()


def live(machine: type[LedgerMachine], *, examples: int, steps: int, shrink: bool = True) -> None:
    """The machine lives `examples` lives of `steps` steps, unless LEDGER_EXAMPLES and LEDGER_STEPS say otherwise.

    LEDGER_SEED repeats a run. Without `shrink` a failing life is shown as it was found.
    """
    chosen = int(os.environ.get("LEDGER_SEED") or random.SystemRandom().randrange(2**32))
    print(f"LEDGER_SEED={chosen}")
    run = settings(
        max_examples=int(os.environ.get("LEDGER_EXAMPLES", examples)),
        stateful_step_count=int(os.environ.get("LEDGER_STEPS", steps)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if shrink else [])],
        print_blob=True,
    )
    run_state_machine_as_test(seed(chosen)(machine), settings=run)
