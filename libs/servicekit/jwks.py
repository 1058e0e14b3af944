"""The issuer's public keys: read from a file or an address, cached, and asked again for an unknown key only rarely."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import jwt

from libs.servicekit.clock import Clock
from libs.servicekit.errors import KeysUnavailable
from libs.servicekit.logs import logger

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})
LIFESPAN: Final = timedelta(minutes=5)
COOLDOWN: Final = timedelta(seconds=30)
_FETCH_SECONDS: Final = 5.0

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]
_log = logger(__name__)


def source(location: str) -> Fetch:
    """How to read the key set at `location`, a path or an http(s) address."""
    if location.startswith(("https://", "http://")):
        return lambda: _from_address(location)
    return lambda: _from_file(Path(location))


async def _from_file(path: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(await asyncio.to_thread(path.read_text))
    return document


async def _from_address(address: str) -> Mapping[str, Any]:
    async with httpx.AsyncClient(timeout=_FETCH_SECONDS, follow_redirects=False) as client:
        answer = (await client.get(address)).raise_for_status()
    document: Mapping[str, Any] = answer.json()
    return document


class KeySet:
    """The keys by `kid`.

    A set that cannot be read again stays in use; an unknown `kid` costs a read at most every 30 s.
    """

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._tried_at: datetime | None = None
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The key named `kid`, or None if the issuer has none of that name.

        Raises:
            KeysUnavailable: no key set could be read so far.
        """
        if self._must_read(kid) or (kid not in self._keys and self._reading.locked()):  # the read under way may find it
            async with self._reading:
                if self._must_read(kid):
                    await self._read()
        if self._read_at is None:
            raise KeysUnavailable("the issuer's keys cannot be read")
        return self._keys.get(kid)

    def _must_read(self, kid: str) -> bool:
        now = self._clock.now()
        if self._tried_at is not None and now - self._tried_at < COOLDOWN:
            return False
        return kid not in self._keys or self._read_at is None or now - self._read_at >= LIFESPAN

    async def _read(self) -> None:
        self._tried_at = self._clock.now()
        try:
            self._keys = usable_keys(await self._fetch())
        except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as error:
            _log.warning("auth_keys_unreadable", error_type=type(error).__name__)
        else:
            self._read_at = self._tried_at


def usable_keys(document: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:
    """The keys of the set that sign with an algorithm of the allow-list and have a name; all others are left out.

    Raises:
        ValueError: not a key set.
    """
    listed = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError("not a JWKS document")
    found = {}
    for each in listed:
        # A symmetric key must never get in: with it, whoever can read the set could sign.
        if not isinstance(each, dict) or each.get("kty") not in ("RSA", "EC", "OKP") or not each.get("kid"):
            continue
        if each.get("use", "sig") == "sig":
            try:
                key = jwt.PyJWK(each)
            except jwt.PyJWTError:  # a broken key is no reason to refuse the others
                continue
            if key.algorithm_name in ALGORITHMS:
                found[str(each["kid"])] = key
    return found
