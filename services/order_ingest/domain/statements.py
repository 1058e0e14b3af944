"""What was said of a customer, each statement with its stamp: of one name the newest holds."""

from collections.abc import Mapping
from typing import NamedTuple


class Statement(NamedTuple):
    """One field's value as it was said at an instant (microseconds); the later wins, then the larger text."""

    at_us: int
    rank: int
    value: str


Description = Mapping[str, Statement]
"""All that is known of a customer, by name."""
