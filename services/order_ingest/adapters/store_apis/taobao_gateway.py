"""One question to Taobao's gateway (TOP): stamped, signed, and its refusals (status 200) in our words.

Source: open.taobao.com, "API调用方法详解" (doc 101617: address, parameters, signature), "API错误码" (doc 102707).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import Answer, ask
from services.order_ingest.adapters.store_apis.slicing import value
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses

CHINA: Final = timezone(timedelta(hours=8))
_PATH: Final = "/router/rest"
_HEADERS: Final = {
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded;charset=utf-8",
}
_NO_SUCH_TRADE: Final = "isv.trade-not-exist"
_LIMITED: Final = frozenset({"4", "5", "6", "7", "8"})
_UNAVAILABLE: Final = "10"
_BACKEND: Final = "15"
_BAN: Final = re.compile(r"ban will last for ([0-9]{1,9}) more second")
_LONGEST_BAN_SECONDS: Final = 3600.0
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The way to one seller's data."""

    http: httpx.AsyncClient
    access: Access
    now: Callable[[], datetime]

    async def call(self, method: str, words: Mapping[str, str]) -> bytes | None:
        """The object that the method answers, as it is written; None where it says that there is no such trade.

        Raises: ApiAway, ApiRefuses.
        """
        answer = await ask(
            self.http, "POST", f"{self.access.base_url}{_PATH}", headers=_HEADERS, form=self._signed(method, words)
        )
        if answer is None:
            raise ApiRefuses(f"there is no {_PATH} at the address")
        return _judged(answer, method)

    def _signed(self, method: str, words: Mapping[str, str]) -> dict[str, str]:
        form = {
            **words,
            "method": method,
            "app_key": self._secret("app_key"),
            "session": self._secret("session"),
            "timestamp": clock_words(self.now()),
            "format": "json",
            "v": "2.0",
            "sign_method": "hmac-sha256",
        }
        return {**form, "sign": signature(form, self._secret("app_secret"))}

    def _secret(self, name: str) -> str:
        found = self.access.credentials.get(name)
        if not found:
            raise ApiRefuses(f"the credential {name} is missing")
        return found


def signature(form: Mapping[str, str], secret: str) -> str:
    """The signature of all parameters, by name: the strongest of the three ways that are documented."""
    signed = "".join(f"{name}{form[name]}" for name in sorted(form))
    return hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest().upper()


def clock_words(at: datetime) -> str:
    """The instant as the clock in China shows it, to the second."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def parsed(piece: bytes) -> Any:
    """The value of a piece that was cut out, every number as the text that it was."""
    return json.loads(piece, strict=False, parse_int=str, parse_float=str, parse_constant=str)


def _judged(answer: Answer, method: str) -> bytes | None:
    found = parsed(value(answer.body, None))
    error = found.get("error_response") if isinstance(found, dict) else None
    if isinstance(error, dict):
        _raise_unless_missing(error, method)
        return None
    return value(answer.body, f"{method.removeprefix('taobao.').replace('.', '_')}_response")


def _raise_unless_missing(error: Mapping[str, Any], method: str) -> None:
    """The error says that there is no such trade.

    Raises:
        ApiAway: too many questions, or something behind the gateway is broken (`isp.`).
        ApiRefuses: all else: session, rights, signature, parameters.
    """
    code, sub_code = str(error.get("code")), str(error.get("sub_code") or "")
    if sub_code == _NO_SUCH_TRADE:
        return
    reason = f"error {_shown(code)} {_shown(sub_code)} of {method}"
    if code in _LIMITED:
        raise ApiAway(reason, _ban_seconds(error))
    if code == _UNAVAILABLE or sub_code.startswith("isp.") or (code == _BACKEND and not sub_code):
        raise ApiAway(reason)
    raise ApiRefuses(reason)


def _ban_seconds(error: Mapping[str, Any]) -> float | None:
    found = _BAN.search(str(error.get("sub_msg")))
    return min(float(found[1]), _LONGEST_BAN_SECONDS) if found else None


def _shown(code: str) -> str:
    return code if _PLAIN.fullmatch(code) else "-"
