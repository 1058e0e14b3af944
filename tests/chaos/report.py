"""What a run hands back, and how large it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.chaos.books import Verdict


class Measured(NamedTuple):
    """A figure beside the one that it must not exceed."""

    value: float
    allowed: float
    unit: str = "s"


@dataclass(slots=True)
class Report:
    """One run's figures: what was injected, what was absorbed, what was measured, what the checker says."""

    name: str
    injected: Mapping[str, int]
    absorbed: Mapping[str, int]
    verdict: Verdict | None
    """None where a test of its own judged, and `failures` has what it said."""
    drained_seconds: float = 0.0
    measured: Mapping[str, Measured] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    not_run: str = ""
    """Why this machine does not allow the run; empty if it took place."""
    judges_times: bool = True
    """Whether a figure in seconds that is exceeded fails the run, or is only told."""

    @property
    def outcome(self) -> str:
        """In a word."""
        return "not run" if self.not_run else "FAILED" if self.complaints else "passed"

    @property
    def complaints(self) -> list[str]:
        """Everything that keeps the run from passing: a run that injected or absorbed nothing proved nothing."""
        if self.not_run:
            return []
        found = [*self.failures, *(self.verdict.complaints if self.verdict else ())]
        found += [_told(what, m) for what, m in self._exceeded() if self.judges_times or m.unit != "s"]
        found += [f"nothing was injected: {what}" for what, count in self.injected.items() if not count]
        if not any(self.absorbed.values()):
            found.append("nothing was absorbed: the faults missed")
        return found

    @property
    def missed(self) -> list[str]:
        """Times that were exceeded and do not fail the run."""
        return [] if self.judges_times else [_told(what, m) for what, m in self._exceeded() if m.unit == "s"]

    def _exceeded(self) -> list[tuple[str, Measured]]:
        return [(what, each) for what, each in self.measured.items() if not each.value <= each.allowed]


def _told(what: str, measured: Measured) -> str:
    return f"{what}: {_text(measured.value)} {measured.unit}, {_text(measured.allowed)} allowed"


@dataclass(frozen=True, slots=True)
class Size:
    """How large the runs of one form are. What a fault must last is the fault's length; loads last until it is over."""

    orders: int
    """Orders of a run at the least, about four bus events each."""
    times_killed: int = 1
    """How many times as many R1 and R2 have, whose figures name a number of events."""
    per_second: float = 250.0
    """Webhooks a second."""
    rolling_per_second: float = 115.0
    """R9's webhooks a second; each becomes 2.7 events on the bus, so that 300 events a second pass it."""
    kills: int = 10
    asleep_seconds: float = 90.0
    """How long R8's zombie sleeps."""
    dark_seconds: float = 60.0
    """How long R7's connections are half open."""
    outage_seconds: float = 60.0
    """How long R11's database is away."""
    burst: int = 20_000
    """Webhooks of R18, told at 1,000 a second."""
    sustained_seconds: float = 60.0
    """How long R17's 300 orders a second last."""
    transactions: int = 8_000
    """R13's transactions and R15's commands."""
    judges_times: bool = True
    """Without it, times under load are told but not judged: whoever checks a change may do so on a busy machine."""

    @property
    def orders_killed(self) -> int:
        """Orders of R1 and R2 at the least."""
        return self.orders * self.times_killed


FORMS: Mapping[str, Size] = {
    "short": Size(
        orders=500,
        rolling_per_second=60,
        kills=6,
        asleep_seconds=15,
        dark_seconds=20,
        outage_seconds=8,
        burst=4_000,
        sustained_seconds=10,
        transactions=2_000,
        judges_times=False,
    ),
    "usual": Size(orders=4_000),
    "long": Size(
        orders=4_000, times_killed=12, kills=50, outage_seconds=300, sustained_seconds=600, transactions=50_000
    ),
}
"""`long` is the size that the figures name: 48,000 orders are more than 200,000 events."""


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of all values do not exceed; infinite without values, so that it passes no bound."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("inf")


def _text(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
