"""Figures of a run: samples of one contestant, rows of the table, and whether a target is met."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

NOT_MEASURED: Final = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One contestant's work in one repeat. CPU is in microseconds per unit, latencies in milliseconds."""

    units: int
    seconds: float
    process_us: float | None = NOT_MEASURED
    database_us: float | None = NOT_MEASURED
    p50_ms: float | None = NOT_MEASURED
    p99_ms: float | None = NOT_MEASURED

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / self.seconds

    @property
    def cpu_us(self) -> float:
        """Microseconds of process and database together per unit."""
        return (self.process_us or 0.0) + (self.database_us or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the median must reach, and what no single repeat may fall below."""

    at_least: float | None = None
    at_most: float | None = None
    no_repeat_below: float | None = None

    def is_met(self, values: Sequence[float]) -> bool:
        middle = median(values)
        return (
            (self.at_least is None or middle >= self.at_least)
            and (self.at_most is None or middle <= self.at_most)
            and (self.no_repeat_below is None or min(values) >= self.no_repeat_below)
        )

    def words(self) -> str:
        parts = [f">= {self.at_least:,g}"] if self.at_least is not None else []
        parts += [f"<= {self.at_most:,g}"] if self.at_most is not None else []
        parts += [f"no repeat < {self.no_repeat_below:,g}"] if self.no_repeat_below is not None else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `absolute` figures depend on the machine, ratios hardly do."""

    id: str
    what: str
    values: Sequence[float]
    unit: str
    target: Target | None = None
    absolute: bool = False
    samples: Sequence[Sample] = ()
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """None where the design sets no target."""
        return None if self.target is None else self.target.is_met(self.values)

    def middle(self, name: str) -> float | None:
        """The median of one of the samples' figures, if it was measured."""
        found = [value for sample in self.samples if (value := getattr(sample, name)) is not None]
        return median(found) if found else None

    def as_json(self) -> dict[str, Any]:
        """The row as it is saved."""
        return {
            "id": self.id,
            "what": self.what,
            "unit": self.unit,
            "median": median(self.values),
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "absolute": self.absolute,
            "target": self.target.words() if self.target else None,
            "met": self.is_met,
            **{name: self.middle(name) for name in ("process_us", "database_us", "p50_ms", "p99_ms")},
            "note": self.note,
        }


@dataclass(slots=True)
class Result:
    """What one benchmark found; `broken` says why the run cannot be trusted, if it cannot."""

    rows: list[Row] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    """The busiest functions of a process, by the name of its flame graph."""


def ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Our rate divided by theirs, repeat by repeat: what slowed one down slowed the other."""
    return [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]


def cpu_ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    """Their CPU per unit divided by ours, process and database together: steady also on a busy machine."""
    return [their.cpu_us / our.cpu_us for our, their in zip(ours, theirs, strict=True)]


def rates(samples: Sequence[Sample]) -> list[float]:
    """Units per second of each repeat."""
    return [sample.rate for sample in samples]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
