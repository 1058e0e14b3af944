"""When a store is asked for what its hooks may have missed, and since when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

EVERY: Final = timedelta(minutes=15)
OVERLAP: Final = timedelta(minutes=10)
"""Asked once more each time: a change may be stamped before and shown after the question, and clocks differ."""
SWEEP_EVERY: Final = timedelta(days=1)
SWEEP: Final = timedelta(hours=48)
_GIVEN_UP_AFTER: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class PullState:
    """Nothing older than `pulled_until` is missing; the last sweep; when the pull under way began."""

    pulled_until: datetime
    swept_at: datetime
    pulling_since: datetime | None


@dataclass(frozen=True, slots=True)
class PullStart:
    """Since when the store is asked, and the last sweep with this one."""

    since: datetime
    swept_at: datetime


def is_under_way(since: datetime | None, now: datetime) -> bool:
    """Whether what began at `since` is still being asked; after six hours it seems to have been forgotten."""
    return since is not None and now - since < _GIVEN_UP_AFTER


def begin(state: PullState, now: datetime) -> PullStart | None:
    """The pull to begin at `now`; None while another is under way, unless it seems to have been forgotten."""
    if is_under_way(state.pulling_since, now):
        return None
    since = state.pulled_until - OVERLAP
    if now - state.swept_at < SWEEP_EVERY:
        return PullStart(since, state.swept_at)
    return PullStart(min(since, now - SWEEP), now)
