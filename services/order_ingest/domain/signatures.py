"""Who really sent it: signatures over the raw bytes, checked before anything is parsed. Pure; compares bytes only.

Strings are never compared: `hmac.compare_digest` raises on a string that is not ASCII, which would let anybody
cause a 500 with one header.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from services.order_ingest.domain.errors import BadSignature

TOLERANCE_SECONDS: Final = 300
"""How far a signed timestamp may be from now. Source: Standard Webhooks 1.0.0 leaves it to us; 5 minutes is usual."""

_DIGEST_BYTES: Final = 32
_ENTITIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("&lt;", "&#060;"), "<"),
    **dict.fromkeys(("&gt;", "&#062;"), ">"),
    **dict.fromkeys(("&quot;", "&#034;", "&#x22;"), '"'),
    **dict.fromkeys(("&#039;", "&#x27;"), "'"),
    **dict.fromkeys(("&amp;", "&#038;", "&#x26;"), "&"),
}
_ENTITY: Final = re.compile("|".join(map(re.escape, _ENTITIES)), re.IGNORECASE)
_DUMMY_KEY: Final = bytes(_DIGEST_BYTES)

Headers: TypeAlias = Mapping[bytes, bytes]
"""Header values by lower-case name, as they came."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that a store signs with; after `not_after` it signs no more (rotation leaves two for a while)."""

    value: str
    not_after: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        return self.not_after is None or now < self.not_after


Verify: TypeAlias = Callable[[bytes, Headers, Sequence[bytes], datetime], None]
"""Returns if one of the keys made the signature of the body. Raises: BadSignature."""


def body_hmac(header: bytes) -> Verify:
    """base64(HMAC-SHA256(body)) in one header: Shopify and its like. Nothing but the body is signed."""

    def verify(body: bytes, headers: Headers, keys: Sequence[bytes], now: datetime) -> None:
        given = _digest(headers.get(header, b""))
        _compare([given], body, keys)

    return verify


def standard_webhooks(body: bytes, headers: Headers, keys: Sequence[bytes], now: datetime) -> None:
    """`id.timestamp.body` signed, several signatures allowed. Source: Standard Webhooks 1.0.0.

    Raises:
        BadSignature: also when the signed time is more than 300 seconds away.
    """
    message_id, stamp = headers.get(b"webhook-id", b""), headers.get(b"webhook-timestamp", b"")
    if not message_id or b"." in message_id or not stamp.isdigit() or len(stamp) > 12:
        raise BadSignature("webhook-id or webhook-timestamp is missing or malformed")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("webhook-timestamp is too far from now")
    given = [_digest(part[3:]) for part in headers.get(b"webhook-signature", b"").split() if part[:3] == b"v1,"]
    _compare(given, b"%b.%b.%b" % (message_id, stamp, body), keys)


def no_hooks(body: bytes, headers: Headers, keys: Sequence[bytes], now: datetime) -> None:
    """Nothing that comes is from a platform that never calls.

    Raises:
        BadSignature: always.
    """
    raise BadSignature("the platform has no hooks")


def raw_key(secret: str) -> bytes:
    """The secret's own characters are the key."""
    return secret.encode()


def unescaped_key(secret: str) -> bytes:
    """The secret as WordPress signs with it: entities of quotes, brackets and ampersands become what they stand for.

    Source: WooCommerce signs with `wp_specialchars_decode(secret, ENT_QUOTES)`.
    """
    return _ENTITY.sub(lambda found: _ENTITIES[found[0].lower()], secret).encode()


def whsec_key(secret: str) -> bytes:
    """The bytes behind `whsec_<base64>`; a secret without that prefix is base64 too.

    Raises:
        BadSignature: not base64.
    """
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise BadSignature("the secret is not base64") from error


def waste_time(body: bytes) -> None:
    """Takes as long as a check does: an unknown address must not be told from a wrong signature by the clock."""
    hmac.compare_digest(hmac.digest(_DUMMY_KEY, body, hashlib.sha256), _DUMMY_KEY)


def _digest(encoded: bytes) -> bytes:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadSignature("the signature is not base64") from error
    if len(digest) != _DIGEST_BYTES:
        raise BadSignature("the signature has the wrong length")
    return digest


def _compare(given: Sequence[bytes], signed: bytes, keys: Sequence[bytes]) -> None:
    matches = False
    for key in keys:
        expected = hmac.digest(key, signed, hashlib.sha256)
        for digest in given:
            matches |= hmac.compare_digest(expected, digest)
    if not matches:
        raise BadSignature("no active secret made this signature")
