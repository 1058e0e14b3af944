"""The token in an unsubscribe link: it names a merchant, a customer, a channel and a topic, and cannot be guessed.

It never expires: a link in a mail of years ago must still work.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from uuid import UUID

_TAG_BYTES = 16
_IDS_BYTES = 32
_PURPOSE = b"messaging.unsubscribe.v1"


class BadToken(ValueError):
    """Nobody here made this token."""


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """What a link asks for."""

    merchant_id: UUID
    customer_id: UUID
    channel: str
    topic: str


def token_of(unsubscription: Unsubscription, *, key: bytes) -> str:
    """The URL-safe token of this link."""
    body = (
        unsubscription.merchant_id.bytes
        + unsubscription.customer_id.bytes
        + f"{unsubscription.channel}/{unsubscription.topic}".encode()
    )
    return urlsafe_b64encode(_tag(body, key) + body).rstrip(b"=").decode()


def read_token(token: str, *, key: bytes) -> Unsubscription:
    """What the token asks for.

    Raises: BadToken when it was not made with this key.
    """
    try:
        whole = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (NotBase64, ValueError) as unreadable:
        raise BadToken("not a token") from unreadable
    tag, body = whole[:_TAG_BYTES], whole[_TAG_BYTES:]
    if len(body) <= _IDS_BYTES or not hmac.compare_digest(tag, _tag(body, key)):
        raise BadToken("not our token")
    channel, _, topic = body[_IDS_BYTES:].decode().partition("/")
    return Unsubscription(UUID(bytes=body[:16]), UUID(bytes=body[16:_IDS_BYTES]), channel, topic)


def _tag(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + body, hashlib.sha256)[:_TAG_BYTES]
