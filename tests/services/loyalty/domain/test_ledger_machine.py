"""Whatever happens to a ledger, in whatever order, it agrees with a list of lots."""

from collections.abc import Sequence

from services.loyalty.domain.programmes import Rules
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


def test_the_ledger_agrees_with_a_list_of_lots() -> None:
    live(PureMachine, examples=100, steps=30)
