"""Personal data leaves a table only sealed, rests only encrypted, and is found again by keyed hashes."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.servicekit.errors import SealBroken
from libs.servicekit.identity import new_nonce

_NONCE_BYTES = 12
_KEY_ID_BYTES = 4


class Sealer:
    """Seals contact details for the bus and hashes them for matching.

    `keys` are Fernet keys, the newest first: it seals, all of them open. `match_key` never rotates, since the
    hashes of years ago must still match.
    """

    def __init__(self, keys: Sequence[str], match_key: bytes) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self._match_key = match_key

    def seal(self, plain: Mapping[str, str | None]) -> str:
        """A token that only holders of the key ring can open; absent values are left out."""
        present = {name: value for name, value in plain.items() if value}
        return self._fernet.encrypt(json.dumps(present, ensure_ascii=False).encode()).decode()

    def open(self, token: str) -> dict[str, str]:
        """What was sealed.

        Raises:
            SealBroken: the token was made with no key of the ring, or was altered.
        """
        try:
            opened: dict[str, str] = json.loads(self._fernet.decrypt(token.encode()))
        except InvalidToken as error:
            raise SealBroken("a sealed value does not open with any key of the ring") from error
        return opened

    def blind_index(self, merchant_id: UUID, kind: str, value: str) -> str:
        """A hash equal for equal values of one merchant, and telling nothing without the key (hex, 64 digits)."""
        merchant_key = _merchant_key(self._match_key, merchant_id)
        return hmac.digest(merchant_key, f"{kind}\x1f{value}".encode(), hashlib.sha256).hex()


# Asked for several times for each delivery, and a batch has few merchants.
@lru_cache(maxsize=1_024)
def _merchant_key(match_key: bytes, merchant_id: UUID) -> bytes:
    return hmac.digest(match_key, merchant_id.bytes, hashlib.sha256)


class Vault:
    """Encrypts rows at rest: AES-256-GCM, bound to the place where the row lies.

    `keys` are 32 bytes each, the newest first. A stored value is key id (4 bytes), nonce (12), ciphertext and tag.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ring = {hashlib.sha256(key).digest()[:_KEY_ID_BYTES]: AESGCM(key) for key in keys}
        self._newest = hashlib.sha256(keys[0]).digest()[:_KEY_ID_BYTES]

    def encrypt(self, plain: bytes, place: str) -> bytes:
        """`plain`, unreadable outside `place` (for example `merchant|table|column|id`)."""
        nonce = new_nonce(_NONCE_BYTES)
        return self._newest + nonce + self._ring[self._newest].encrypt(nonce, plain, place.encode())

    def decrypt(self, stored: bytes, place: str) -> bytes:
        """What was encrypted for `place`.

        Raises:
            SealBroken: unknown key, altered bytes, or a value moved here from another place.
        """
        key = self._ring.get(stored[:_KEY_ID_BYTES])
        if key is None:
            raise SealBroken("a stored value was encrypted with a key that is not in the ring")
        nonce = stored[_KEY_ID_BYTES : _KEY_ID_BYTES + _NONCE_BYTES]
        try:
            return key.decrypt(nonce, stored[_KEY_ID_BYTES + _NONCE_BYTES :], place.encode())
        except InvalidTag as error:
            raise SealBroken("a stored value was altered or moved") from error
