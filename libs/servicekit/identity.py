"""The only source of fresh identifiers and secrets."""

import secrets
from uuid import UUID

import uuid_utils.compat as uuid_utils


def new_id() -> UUID:
    """A UUIDv7: unique, and later ones sort after earlier ones (RFC 9562)."""
    return uuid_utils.uuid7()


def new_token(*, bits: int = 128) -> str:
    """A URL-safe secret with at least `bits` bits of randomness."""
    return secrets.token_urlsafe((bits + 7) // 8)


def new_nonce(length: int) -> bytes:
    """`length` random bytes."""
    return secrets.token_bytes(length)
