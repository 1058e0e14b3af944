"""Which consent holds, whatever the order in which statements about it arrive.

A statement is kept in one of a few registers, each a maximum; the decision is a function of the registers.
Maxima do not care about order, so neither does the decision.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

State = Literal["unknown", "pending_double_opt_in", "subscribed", "unsubscribed"]
Made = Literal["here", "act", "snapshot"]
"""How we know: said to us directly, said elsewhere by the customer, or read from a platform's present state."""

_STRICTNESS: dict[State, int] = {"subscribed": 0, "unknown": 1, "pending_double_opt_in": 2, "unsubscribed": 3}


@dataclass(frozen=True, slots=True)
class Statement:
    """What somebody said about a consent, with its proof."""

    state: State
    at: datetime
    made: Made
    source: str
    text_version: str | None = None
    ip_hash: str | None = None

    @property
    def rank(self) -> tuple[datetime, int]:
        """The newer statement outranks; of two at one instant the stricter does."""
        return self.at, _STRICTNESS[self.state]


@dataclass(frozen=True, slots=True)
class Consent:
    """Everything that decides one customer's consent for one channel and topic."""

    act: Statement | None = None
    """The highest statement that was no snapshot."""
    snapshot: Statement | None = None
    """The highest snapshot."""
    withdrawn_here_at: datetime | None = None
    subscribed_at: datetime | None = None
    """The newest subscription that was no snapshot: only such a one lifts a withdrawal made here."""

    @property
    def holding(self) -> Statement | None:
        """The statement that decides; None: nobody ever said anything."""
        if self.snapshot is None or self._withdrawal_stands:
            return self.act
        return _higher(self.act, self.snapshot)

    @property
    def state(self) -> State:
        """The state that holds: unknown means no."""
        return self.holding.state if self.holding else "unknown"

    @property
    def _withdrawal_stands(self) -> bool:
        if self.withdrawn_here_at is None:
            return False
        return self.subscribed_at is None or self.subscribed_at <= self.withdrawn_here_at


def heard(consent: Consent, statement: Statement) -> Consent:
    """The consent after one more statement; hearing it twice changes nothing."""
    if statement.made == "snapshot":
        return replace(consent, snapshot=_higher(consent.snapshot, statement))
    after = replace(consent, act=_higher(consent.act, statement))
    if statement.state == "subscribed":
        return replace(after, subscribed_at=_later(after.subscribed_at, statement.at))
    if statement.state == "unsubscribed" and statement.made == "here":
        return replace(after, withdrawn_here_at=_later(after.withdrawn_here_at, statement.at))
    return after


def strictest(one: Consent, other: Consent) -> Consent:
    """The consent of a person whom we knew as two: the stricter decision holds, of two equal ones the newer.

    Where nobody ever said anything there is nothing to be strict about: the other decision holds. A withdrawal made
    here stays protected from snapshots, whoever of the two made it.
    """
    if one.holding is None or other.holding is None:
        return one if other.holding is None else other
    winner, loser = sorted((one, other), key=_severity, reverse=True)
    if loser.withdrawn_here_at is None or winner.state != "unsubscribed":
        return winner
    # What holds may have been a snapshot, which would no longer count beside a withdrawal made here.
    withdrawn_here_at = _later(winner.withdrawn_here_at, loser.withdrawn_here_at)
    return replace(winner, act=winner.holding, withdrawn_here_at=withdrawn_here_at)


def _severity(consent: Consent) -> tuple[int, datetime]:
    assert consent.holding is not None
    return _STRICTNESS[consent.holding.state], consent.holding.at


def _higher(one: Statement | None, other: Statement) -> Statement:
    # Equal ranks keep the first: a repeated statement must not look like a change.
    return other if one is None or other.rank > one.rank else one


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
