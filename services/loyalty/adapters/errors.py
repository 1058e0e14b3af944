"""What storage may meet.

TransientFailure (of the bus)
`-- ChangedMeanwhile     a row is not as it was loaded: the whole batch is to be loaded and judged again
"""

from collections.abc import Callable

from libs.eventbus.errors import TransientFailure


class ChangedMeanwhile(TransientFailure):
    """A row is not as it was loaded."""


def all_of(expected: int, what: str) -> Callable[[int], None]:
    """A check that so many rows were written. It raises ChangedMeanwhile."""

    def check(written: int) -> None:
        if written != expected:
            raise ChangedMeanwhile(f"{expected - written} of {expected} {what}")

    return check
