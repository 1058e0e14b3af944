"""Ids that follow from what they name, so that saying it twice names the same thing."""

from uuid import UUID, uuid5

# A unit separator cannot occur in an external id that came as text, so ("a", "bc") and ("ab", "c") stay apart.
_SEPARATOR = "\x1f"


def derived_id(namespace: UUID, *parts: str) -> UUID:
    """The same id for the same namespace and parts, for ever."""
    return uuid5(namespace, _SEPARATOR.join(parts))
