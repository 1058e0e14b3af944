"""What a whole run injected and absorbed, mix by mix and kind by kind."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.sim.mixes import MIXES
from tests.sim.run import Outcome


@dataclass(eq=False)
class Totals:
    """Sums over outcomes."""

    runs: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def events(self) -> int:
        return self.told.total()

    def add(self, outcome: Outcome) -> Outcome:
        self.runs[outcome.mix] += 1
        self.failed[outcome.mix] += bool(outcome.failures)
        self.told[outcome.mix] += outcome.events
        self.counts[outcome.mix] += outcome.counts
        return outcome

    def never_absorbed(self) -> list[str]:
        """What a long run should have absorbed and never did: a fault that is not met proves nothing."""
        return [
            f"{mix.name}: {expected} stayed 0"
            for mix in MIXES
            if self.runs[mix.name]
            for expected in mix.absorbs
            if not self.counts[mix.name][expected]
        ]

    def idle_mixes(self) -> list[str]:
        """Mixes that absorbed nothing at all."""
        return [name for name in self.runs if not _sum(self.counts[name], "absorbed")]


def _sum(counts: Counter[str], kind: str) -> int:
    return sum(count for name, count in counts.items() if name.startswith(kind))


def table(totals: Totals) -> str:
    """Two tables as text: per mix, and per kind of fault or defence."""
    lines = [f"\n{'mix':44}{'runs':>6}{'failed':>8}{'events':>9}{'injected':>10}{'absorbed':>10}"]
    for mix in MIXES:
        if totals.runs[mix.name]:
            counts = totals.counts[mix.name]
            lines.append(
                f"{mix.name:44}{totals.runs[mix.name]:6}{totals.failed[mix.name]:8}{totals.told[mix.name]:9}"
                f"{_sum(counts, 'injected'):10}{_sum(counts, 'absorbed'):10}"
            )
    every = sum(totals.counts.values(), Counter[str]())
    lines.append("")
    for kind in ("injected", "asked", "absorbed"):
        parts = [
            f"{name.removeprefix(kind).strip()} {count}"
            for name, count in sorted(every.items())
            if name.startswith(kind)
        ]
        lines.append(f"{kind + ':':10} " + ", ".join(parts))
    return "\n".join(lines)
