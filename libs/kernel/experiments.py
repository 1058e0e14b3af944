"""Which arm of an experiment a customer is in: the same answer in every service, asked of nobody."""

from collections.abc import Mapping
from hashlib import blake2b
from uuid import UUID


def arm(experiment_id: UUID, salt: str, customer_id: UUID, shares: Mapping[str, int]) -> str:
    """The customer's arm, each arm drawn in proportion to its share.

    Arms are taken in the order of their names, so that the order in which they were written down is irrelevant.

    Raises: ValueError when no share is positive or one is negative.
    """
    whole = sum(shares.values())
    if whole <= 0 or min(shares.values()) < 0:
        raise ValueError("shares must be positive")
    drawn = _draw(experiment_id, salt, customer_id) * whole >> 64
    for name in sorted(shares):
        drawn -= shares[name]
        if drawn < 0:
            return name
    raise AssertionError("a draw is below the sum of the shares")


def _draw(experiment_id: UUID, salt: str, customer_id: UUID) -> int:
    """A number of 64 bits that only these three decide."""
    digest = blake2b(experiment_id.bytes + customer_id.bytes + salt.encode(), digest_size=8)
    return int.from_bytes(digest.digest())
