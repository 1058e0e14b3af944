"""Figures of the hook path: refusals by reason, so that a wrong secret is told from too much traffic."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter

from services.order_ingest.domain.platform_table import PLATFORMS

_ANSWERS: Final = Counter("hook_answers_total", "Answers of the hook path.", ["platform", "status", "reason"])
_NORMALISED: Final = Counter("deliveries_normalised_total", "Deliveries by how they ended.", ["state"])


def answered(platform: str, status: int, reason: str) -> None:
    """One answer is counted; a platform that does not exist is one label, whatever it was called."""
    _ANSWERS.labels(platform if platform in PLATFORMS else "unknown", str(status), reason).inc()


def normalised(counts: Mapping[str, int]) -> None:
    """Deliveries of one batch are counted by state."""
    for state, count in counts.items():
        _NORMALISED.labels(state).inc(count)
