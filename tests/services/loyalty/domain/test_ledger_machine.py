"""Whatever happens to a ledger, in whatever order, it agrees with a list of lots."""

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.entries import Header
from services.loyalty.domain.merging import unmerge
from services.loyalty.domain.programmes import Rules
from tests.services.loyalty.facts import uid
from tests.services.loyalty.ledger_checks import violations
from tests.services.loyalty.ledger_machine import NAMES, LedgerMachine, live
from tests.services.loyalty.pure_world import PureWorld


class PureMachine(LedgerMachine):
    """The ledger in memory."""

    def start(self, rules: Rules) -> PureWorld:
        return PureWorld(NAMES, rules)

    def broken(self) -> Sequence[object]:
        assert isinstance(self.world, PureWorld)
        return violations(self.world.world)

    @precondition(lambda self: self.model.alias)
    @rule(choice=st.integers(0, 99))
    def unmerge(self, choice: int) -> None:
        """No fact of the bus says so yet: the command is called as its reaction will."""
        restored = self.pick(list(self.model.alias), choice)
        survivor = self.model.alias[restored]
        if survivor in self.model.alias:
            return
        self.model.unmerge(restored)
        header = Header(key=self.key(), at=self.now())
        version = 2 + self.facts.told
        self.facts.told += 1  # the next word on identities is a newer one

        def command(workspace: Workspace, member: Member) -> None:
            account_id = workspace.accounts[1, uid(restored)]
            ids = [uid(order) for order in self.model.orders_of(restored)]
            unmerge(member.book, workspace.members[account_id].book, header, order_ids=ids, identity_version=version)
            for order_id in ids:
                workspace.orders[1, order_id].account_id = account_id

        self.world.command(survivor, command, key=header.key)
        self.last = None


def test_the_ledger_agrees_with_a_list_of_lots() -> None:
    live(PureMachine, examples=100, steps=30, shrink=False)
