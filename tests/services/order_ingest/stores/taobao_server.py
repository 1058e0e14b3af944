"""A stand-in of Taobao's gateway (TOP), stricter than it is: what is not documented is refused.

What the documentation calls an error is answered with its code and status 200, as the gateway does. Whatever else a
client does wrong is answered 422 (or 400, 415) and noted in `faults`.

Source: open.taobao.com, "API调用方法详解" (doc 101617), "API错误码" (doc 102707), and the page of each method.
"""

import copy
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_CHINA: Final = timezone(timedelta(hours=8))
_CLOCK: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_NUMBER: Final = re.compile(r"[1-9]\d{0,18}", re.ASCII)
_PUBLIC: Final = {"method", "app_key", "session", "timestamp", "format", "v", "sign_method", "sign"}
_TOLERANCE: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)
_KEPT: Final = timedelta(days=90)
_TRADE_FIELDS: Final = frozenset(
    {
        "tid", "type", "status", "step_trade_status", "payment", "post_fee", "total_fee", "discount_fee", "created",
        "pay_time", "consign_time", "end_time", "modified", "buyer_nick", "buyer_open_uid", "seller_nick", "trade_from",
        "orders",
    }
)  # fmt: skip
_REFUND_FIELDS: Final = frozenset(
    {
        "refund_id", "tid", "oid", "status", "refund_fee", "reason", "created", "modified", "end_time", "refund_phase",
        "good_status",
    }
)  # fmt: skip


class _Refused(Exception):
    """What the client asked is not what is documented."""


class _Complaint(Exception):
    """An error of the documentation."""

    def __init__(self, code: int, msg: str, sub_code: str | None = None, sub_msg: str | None = None) -> None:
        super().__init__(msg)
        said = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "16nqyqgiyh3oa"}
        self.body = {"error_response": {name: value for name, value in said.items() if value is not None}}


class TaobaoServer:
    """One seller's trades and refunds behind the gateway."""

    def __init__(self, *, app_key: str, app_secret: str, session: str, now: Callable[[], datetime]) -> None:
        self._keys = {"app_key": app_key, "session": session}
        self._secret = app_secret
        self._now = now
        self._trades: dict[int, dict[str, Any]] = {}
        self._refunds: dict[str, dict[str, Any]] = {}
        self._failures: list[Response] = []
        self.asked: list[dict[str, str]] = []
        """The parameters of every question, in their order."""
        self.faults: list[str] = []
        self.after_list: Callable[[], None] = lambda: None
        """What happens in the shop after each list was answered."""
        self.app = Starlette(routes=[Route("/router/rest", self._rest, methods=["POST"])])

    def put(self, trade: Mapping[str, Any], *refunds: Mapping[str, Any]) -> None:
        """The shop has the trade, in this state, and the refunds."""
        self._trades[trade["tid"]] = copy.deepcopy(dict(trade))
        self._refunds.update({str(refund["refund_id"]): dict(refund) for refund in refunds})

    def remove(self, tid: int) -> None:
        del self._trades[tid]

    def fail_next(self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """The next question is answered so."""
        self._failures.append(Response(body, status_code=status, headers=headers))

    def complain_next(self, code: int, msg: str, sub_code: str | None = None, sub_msg: str | None = None) -> None:
        """The next question is answered with an error of the gateway's own, status 200."""
        self._failures.append(JSONResponse(_Complaint(code, msg, sub_code, sub_msg).body))

    def methods(self) -> list[str]:
        return [form["method"].removeprefix("taobao.") for form in self.asked]

    async def _rest(self, request: Request) -> Response:
        """POST /router/rest. Source: "API调用方法详解": parameters of all methods as a form."""
        body = await request.body()
        try:
            form = self._form(request, body)
            self.asked.append(form)
            if self._failures:
                return self._failures.pop(0)
            self._check_public(form)
            return JSONResponse(self._answer(form))
        except _Complaint as complaint:
            return JSONResponse(complaint.body)
        except _Refused as refusal:
            self.faults.append(str(refusal))
            return JSONResponse({"detail": str(refusal)}, status_code=422)

    def _form(self, request: Request, body: bytes) -> dict[str, str]:
        if request.url.query:
            raise _Refused("parameters belong into the body, where no log keeps them")
        if request.headers.get("content-type", "").lower() != "application/x-www-form-urlencoded;charset=utf-8":
            raise _Refused("the content type is another")
        if "application/json" not in request.headers.get("accept", ""):
            raise _Refused("json is not accepted")
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        if len(dict(pairs)) != len(pairs) or not all(value for _, value in pairs):
            raise _Refused("a parameter is empty or stands twice")
        return dict(pairs)

    def _check_public(self, form: Mapping[str, str]) -> None:
        """Source: "API调用方法详解" (public parameters, signature), "API错误码" (codes below 100)."""
        for name, code, words in (
            ("method", 21, "Missing Method"), ("sign", 24, "Missing Signature"), ("session", 26, "Missing Session"),
            ("app_key", 28, "Missing App Key"), ("timestamp", 30, "Missing Timestamp"), ("v", 32, "Missing Version"),
        ):  # fmt: skip
            if name not in form:
                raise _Complaint(code, words)
        if form["app_key"] != self._keys["app_key"]:
            raise _Complaint(29, "Invalid app Key", "isv.appkey-not-exists")
        self._check_time(form["timestamp"])
        if (form["v"], form.get("format"), form.get("sign_method")) != ("2.0", "json", "hmac-sha256"):
            raise _Refused("another version, format or way of signing")
        if form["sign"] != self._signature(form):
            raise _Complaint(25, "Invalid signature", "isv.invalid-signature")
        if form["session"] != self._keys["session"]:
            raise _Complaint(27, "Invalid session", "invalid-sessionkey", "SessionKey非法")

    def _check_time(self, words: str) -> None:
        """Source: "API调用方法详解": GMT+8, ten minutes off at most."""
        if not _CLOCK.fullmatch(words) or abs(_instant(words) - self._now()) > _TOLERANCE:
            raise _Complaint(31, "Invalid timestamp", "isv.invalid-timestamp")

    def _signature(self, form: Mapping[str, str]) -> str:
        """Source: "API调用方法详解": names in their order, each followed by its value; HMAC in upper-case hex."""
        joined = "".join(name + form[name] for name in sorted(form) if name != "sign")
        return hmac.new(self._secret.encode(), joined.encode(), hashlib.sha256).hexdigest().upper()

    def _answer(self, form: Mapping[str, str]) -> dict[str, Any]:
        words = {name: value for name, value in form.items() if name not in _PUBLIC}
        match form["method"]:
            case "taobao.trades.sold.increment.get":
                return {"trades_sold_increment_get_response": self._sold(words)}
            case "taobao.trade.fullinfo.get":
                return {"trade_fullinfo_get_response": self._fullinfo(words)}
            case "taobao.refund.get":
                return {"refund_get_response": self._refund(words)}
            case _:
                raise _Complaint(22, "Invalid method", "isv.invalid-method")

    def _sold(self, words: Mapping[str, str]) -> dict[str, Any]:
        """Source: "taobao.trades.sold.increment.get": a day at most, pages of 1 to 100, the latest change first."""
        _only(words, {"fields", "start_modified", "end_modified", "page_no", "page_size", "use_has_next"})
        fields = _fields(words, _TRADE_FIELDS)
        start, end = self._window(words)
        number, size = _whole(words, "page_no", most=100_000), _whole(words, "page_size", most=100)
        found = sorted(
            (trade for trade in self._kept() if start <= _instant(trade["modified"]) <= end),
            key=lambda trade: (trade["modified"], trade["tid"]),
            reverse=True,
        )
        page = [_shown(trade, fields) for trade in found[(number - 1) * size : number * size]]
        self.after_list()
        answer: dict[str, Any] = {"trades": {"trade": page}} if page else {}
        if words.get("use_has_next") == "true":
            return {**answer, "has_next": len(found) > number * size}
        if words.get("use_has_next") not in (None, "false"):
            raise _Refused("use_has_next is true or false")
        return {**answer, "total_results": len(found)}

    def _window(self, words: Mapping[str, str]) -> tuple[datetime, datetime]:
        for name in ("start_modified", "end_modified"):
            if not _CLOCK.fullmatch(words.get(name, "")):
                raise _Refused(f"{name} is no time")
        start, end = _instant(words["start_modified"]), _instant(words["end_modified"])
        if not start < end <= start + _DAY:
            raise _Refused("a window lasts more than nothing and at most a day")
        if start < self._now() - _KEPT:
            raise _Refused("nothing is kept for longer than three months")
        # The gateway would answer: but trades may still enter such a window, and pages would move the wrong way.
        if end >= self._now().replace(microsecond=0):
            raise _Refused("the window is not over yet")
        return start, end

    def _kept(self) -> list[dict[str, Any]]:
        return [trade for trade in self._trades.values() if _instant(trade["created"]) >= self._now() - _KEPT]

    def _fullinfo(self, words: Mapping[str, str]) -> dict[str, Any]:
        """Source: "taobao.trade.fullinfo.get"."""
        _only(words, {"fields", "tid"})
        fields = _fields(words, _TRADE_FIELDS)
        if not _NUMBER.fullmatch(words.get("tid", "")):
            raise _Complaint(41, "Invalid arguments:tid", "isv.invalid-parameter:tid")
        found = [trade for trade in self._kept() if trade["tid"] == int(words["tid"])]
        if not found:
            raise _Complaint(15, "Remote service error", "isv.trade-not-exist", "交易订单不存在")
        return {"trade": _shown(found[0], fields), "request_id": "rswh8zlub2qs"}

    def _refund(self, words: Mapping[str, str]) -> dict[str, Any]:
        """Source: "taobao.refund.get"; `modified` stands in its answer's example, not in its list of fields."""
        _only(words, {"fields", "refund_id"})
        fields = _fields(words, _REFUND_FIELDS)
        if words.get("refund_id") not in self._refunds:
            raise _Complaint(15, "Remote service error", "isv.invalid-parameter:refund_id")
        return {"refund": _shown(self._refunds[words["refund_id"]], fields)}


def _instant(words: str) -> datetime:
    return datetime.strptime(words, "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA)


def _only(words: Mapping[str, str], known: set[str]) -> None:
    if not words.keys() <= known:
        raise _Refused(f"unknown parameters: {sorted(words.keys() - known)}")


def _fields(words: Mapping[str, str], known: frozenset[str]) -> set[str]:
    if "fields" not in words:
        raise _Complaint(40, "Missing required arguments:fields", "isv.missing-parameter:fields")
    fields = words["fields"].split(",")
    if not known.issuperset(fields) or len(set(fields)) != len(fields):
        raise _Refused("unknown fields, or one twice")
    return set(fields)


def _whole(words: Mapping[str, str], name: str, *, most: int) -> int:
    value = words.get(name, "")
    if not _NUMBER.fullmatch(value) or int(value) > most:
        raise _Refused(f"{name} is a number from 1 to {most}")
    return int(value)


def _shown(found: Mapping[str, Any], fields: set[str]) -> dict[str, Any]:
    """The fields that were asked for; who bought is told to those only who ask for the (masked) name as well."""
    told = fields if "buyer_nick" in fields else fields - {"buyer_open_uid"}
    return {name: value for name, value in found.items() if name in told and value is not None}
