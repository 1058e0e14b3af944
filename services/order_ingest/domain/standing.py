"""How a store stands with us: whether its shop has ended our access, by its notices in any order."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """When our access was last put (None: never), and since when the shop has ended it (None: it has not)."""

    connected_at: datetime | None = None
    disconnected_at: datetime | None = None

    def left(self, at: datetime) -> "Standing":
        """The shop has ended our access at `at`, or before if it said so.

        A notice from before the access was put again is about the access of then: nothing changes.
        """
        if self.connected_at is not None and at <= self.connected_at:
            return self
        return replace(self, disconnected_at=min(at, self.disconnected_at or at))
