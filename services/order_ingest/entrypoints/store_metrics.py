"""Figures of what stores are told: codes and withdrawals by how that ended."""

from typing import Final

from prometheus_client import Counter

_TOLD: Final = Counter("stores_told_total", "What stores were told, by how it ended.", ["kind", "outcome"])


def told(kind: str, outcome: str) -> None:
    """One settled effect is counted."""
    _TOLD.labels(kind, outcome).inc()
