"""The ledger in memory: every transaction works on a copy, which becomes the world when it commits."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from libs.contracts.envelope import Event
from services.loyalty.application.workspace import Done, Member, Merchant, Workspace
from services.loyalty.domain.accounts import FIRST_MEMBER, Account, Balance
from services.loyalty.domain.book import Book
from services.loyalty.domain.programmes import Programme, Rules, Version, default_programme_id
from services.loyalty.domain.tiers import Standing
from services.loyalty.domain.upkeep import sweep
from services.loyalty.entrypoints.subscriptions import SUBSCRIPTIONS
from tests.services.loyalty.facts import MERCHANT, START, uid

Command = Callable[[Workspace, Member], object]


class PureWorld:
    """Members by name, all of one merchant, under one programme."""

    def __init__(self, names: Sequence[str], rules: Rules | None, *, effective_at: datetime = START) -> None:
        self.world = Workspace(START)
        versions = (Version(1, effective_at, rules),) if rules else ()
        programme = Programme(1, default_programme_id(MERCHANT), MERCHANT, "Points", versions) if rules else None
        self.world.merchants[MERCHANT] = Merchant(1, MERCHANT, programme)
        for number, name in enumerate(names, FIRST_MEMBER):
            account = Account(1, number, uid(name), max_debt=rules.max_debt if rules else 0)
            self.world.members[number] = Member(Book(MERCHANT, account, self.world.journal), Standing())
            self.world.accounts[1, uid(name)] = number

    @property
    def merchant(self) -> Merchant:
        return self.world.merchants[MERCHANT]

    def hear(self, *events: Event[Any], crash: bool = False) -> None:
        """The facts are folded in one transaction; with `crash` it dies before its commit."""

        def react(workspace: Workspace) -> None:
            for event in events:
                workspace.now = event.envelope.occurred_at
                SUBSCRIPTIONS[type(event.fact)](workspace, event)

        self._transact(react, crash=crash)

    def command(self, name: str, command: Command, *, key: str = "") -> None:
        """The command is carried out on the member that `name` is now, under the rules of its programme."""

        def run(workspace: Workspace) -> None:
            member = workspace.member(1, uid(name))
            programme = workspace.merchants[MERCHANT].programme
            if programme is not None:
                member.book.policy = programme.newest.rules.debt_policy
            command(workspace, member)

        self._transact(run, crash=False)

    def balance(self, name: str, at: datetime) -> Balance:
        """The balance as a reader at `at` sees it: what ended meanwhile counts for nothing."""
        member = deepcopy(self.world).member(1, uid(name))
        sweep(member.book, at)
        return member.book.balance(at)

    def arrive(self, at: datetime) -> None:
        """Nothing runs by itself: what ended is found when somebody looks."""

    def _transact(self, work: Callable[[Workspace], object], *, crash: bool) -> None:
        copy = deepcopy(self.world)
        work(copy)
        if crash:
            return
        for entry in copy.journal.entries:
            copy.done[entry.entry_id] = Done(entry.entry_id, entry.header.fingerprint)
        self.world = copy
