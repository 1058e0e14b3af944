"""The circuit breaker: when so many subjects fail that the deploy must be bad, not the events."""

from collections import OrderedDict
from collections.abc import Iterable

from libs.eventbus.errors import TooManyFailures
from libs.eventbus.protocol import BREAKER_WINDOW, circuit_opens
from libs.eventbus.words import Subject


class Breaker:
    """Remembers the last 1,000 subjects and which of them failed themselves; waiting behind one is no failure."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._seen: OrderedDict[Subject, bool] = OrderedDict()
        self._failed = 0

    def applied(self, subjects: Iterable[Subject]) -> None:
        """Events of these subjects were applied."""
        for subject in subjects:
            self._note(subject, failed=self._seen.get(subject, False))

    def failed(self, subject: Subject) -> None:
        """An event of the subject was parked because it failed.

        Raises: TooManyFailures: more than 50, and more than 5 % of the last 1,000.
        """
        self._note(subject, failed=True)
        if circuit_opens(failed=self._failed, seen=len(self._seen)):
            raise TooManyFailures(f"{self._failed} of the last {len(self._seen)} subjects of {self._group} failed")

    def _note(self, subject: Subject, *, failed: bool) -> None:
        self._failed += failed - self._seen.pop(subject, False)
        self._seen[subject] = failed
        if len(self._seen) > BREAKER_WINDOW:
            self._failed -= self._seen.popitem(last=False)[1]
