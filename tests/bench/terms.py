"""How large a run is, and what its benchmarks tell each other."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.folders import REPOSITORY

FOLDER: Final = REPOSITORY / ".local" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`repeats` interleaved repeats of everything; `scale` multiplies the work of each."""

    repeats: int
    scale: float
    is_short: bool
    say: Callable[[str], None] = lambda _text: None
    folder: Path = FOLDER
    rates: dict[str, float] = field(default_factory=dict)
    """Rates that a later benchmark of the same run is measured by, by id."""

    def sized(self, units: int) -> int:
        """So many units of work as this run has time for."""
        return max(1, int(units * self.scale))

    def svg(self, name: str) -> Path:
        """Where the flame graph of that name belongs."""
        return self.folder / f"{name}.svg"


def terms_from(repeats: int | None, scale: float | None, say: Callable[[str], None]) -> Terms:
    """The full form, or with BENCH_SHORT=1 one that shows in three minutes that every benchmark runs."""
    is_short = bool(os.environ.get("BENCH_SHORT"))
    usual_repeats, usual_scale = (1, 0.05) if is_short else (5, 1.0)
    return Terms(repeats=repeats or usual_repeats, scale=scale or usual_scale, is_short=is_short, say=say)
