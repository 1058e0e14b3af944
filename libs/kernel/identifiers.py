"""Ids that follow from what they name, so that saying it twice names the same thing."""

from hashlib import sha1
from typing import Final
from uuid import UUID

# A unit separator cannot occur in an external id that came as text, so ("a", "bc") and ("ab", "c") stay apart.
_SEPARATOR: Final = "\x1f"
_NOT_VERSION_AND_VARIANT: Final = ~(0xF << 76 | 0b11 << 62)
_VERSION_5: Final = 5 << 76 | 0b10 << 62


def derived_id(namespace: UUID, *parts: str) -> UUID:
    """The same id for the same namespace and parts, for ever.

    Source: RFC 9562, 5.5. It is what the standard library's uuid5 makes, written out: an id is derived for each line of
    each order, and uuid5 imports, checks and shifts for two fifths of its time.
    """
    named = namespace.bytes + _SEPARATOR.join(parts).encode()
    number = int.from_bytes(sha1(named, usedforsecurity=False).digest()[:16], "big")
    return UUID(int=number & _NOT_VERSION_AND_VARIANT | _VERSION_5)
