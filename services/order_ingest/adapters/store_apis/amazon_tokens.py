"""Access to Amazon: tokens that live for an hour, kept in memory and got anew shortly before their end.

Source: developer-docs.amazon.com/sp-api, "Connect to the SP-API", step 1 (Login with Amazon).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses

_LOGIN: Final = "https://api.amazon.com"
_OWN_HOSTS: Final = (".amazon.com", ".amazonaws.com")
_PATH: Final = "/auth/o2/token"
_LIFETIME: Final = 3600
_MARGIN: Final = timedelta(seconds=60)
_CREDENTIALS: Final = ("client_id", "client_secret", "refresh_token")
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")

_Owner = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    value: str
    until: datetime


class Tokens:
    """The tokens in force, one for each app and seller. Two that ask at once get one each: both are valid."""

    def __init__(self, http: httpx.AsyncClient, now: Callable[[], datetime]) -> None:
        self._http = http
        self._now = now
        self._kept: dict[_Owner, _Kept] = {}

    def known(self, access: Access) -> str | None:
        """The token that was got before, if it lives a while yet."""
        kept = self._kept.get(_owner(access))
        return kept.value if kept is not None and self._now() < kept.until else None

    async def renewed(self, access: Access) -> str:
        """A new token.

        Raises:
            ApiAway: no answer, or none that has a token.
            ApiRefuses: the credentials are not all there or not valid.
        """
        asked_at = self._now()
        form = {"grant_type": "refresh_token", **{name: _credential(access, name) for name in _CREDENTIALS}}
        answer = await ask(
            self._http, "POST", token_url(access.base_url), headers={"Accept": "application/json"}, form=form
        )
        if answer is None:
            raise ApiRefuses(f"nothing at {_PATH}")
        found = answer.json()
        kept = _Kept(_value(found), asked_at + _lifetime(found) - _MARGIN)
        self._kept[_owner(access)] = kept
        return kept.value

    def forget(self, access: Access) -> None:
        """The token that was got before is used no more."""
        self._kept.pop(_owner(access), None)


def token_url(base_url: str) -> str:
    """Amazon's own login, unless the API is reached at another's host (a proxy, a stand-in): then that host's."""
    host = httpx.URL(base_url).host
    return f"{_LOGIN if host.endswith(_OWN_HOSTS) else base_url}{_PATH}"


def _owner(access: Access) -> _Owner:
    return _credential(access, "client_id"), _credential(access, "refresh_token")


def _credential(access: Access, name: str) -> str:
    value = access.credentials.get(name)
    if not value:
        raise ApiRefuses(f"the credential {name} is missing")
    return value


def _value(found: Any) -> str:
    value = found.get("access_token") if isinstance(found, Mapping) else None
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise ApiAway(f"the answer of {_PATH} has no token")
    return value


def _lifetime(found: Mapping[str, Any]) -> timedelta:
    seconds = found.get("expires_in")
    return timedelta(seconds=seconds if isinstance(seconds, int) and 0 < seconds <= _LIFETIME else _LIFETIME)
