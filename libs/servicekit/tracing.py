"""What ties log lines, facts and calls of one piece of work together: a correlation id and a W3C traceparent."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from libs.servicekit.identity import new_id

correlation_id: Final[ContextVar[str]] = ContextVar("correlation_id", default="")
traceparent: Final[ContextVar[str | None]] = ContextVar("traceparent", default=None)

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Trace:
    """One hop of a distributed trace. Source: W3C Trace Context 1, section 3.2."""

    trace_id: str
    span_id: str
    flags: str = "01"

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> "Trace":
        """A new hop of the same trace."""
        return Trace(self.trace_id, _new_span_id(), self.flags)


def new_trace() -> Trace:
    """The first hop of a trace of its own."""
    return Trace(new_id().hex, _new_span_id())


def parse_traceparent(text: str | None) -> Trace | None:
    """The hop that the header names; None for a broken header, which starts a new trace and is never an error."""
    match = _TRACEPARENT.fullmatch(text.strip()) if text else None
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest) or set(trace_id) == {"0"} or set(span_id) == {"0"}:
        return None
    return Trace(trace_id, span_id, flags)


def accepted_correlation_id(text: str | None) -> str | None:
    """The caller's correlation id if it is short and of harmless characters (it ends up in logs and on the bus)."""
    return text if text and _CORRELATION.fullmatch(text) else None


def current_correlation_id() -> str:
    """The correlation id of the running work; work that nobody correlated gets one that stays for its context."""
    known = correlation_id.get()
    if not known:
        known = new_id().hex
        correlation_id.set(known)
    return known


@contextmanager
def correlated(correlation: str, trace: str | None = None) -> Iterator[None]:
    """Inside the block, logs and facts carry this correlation id and traceparent."""
    correlation_token, trace_token = correlation_id.set(correlation), traceparent.set(trace)
    try:
        yield
    finally:
        traceparent.reset(trace_token)
        correlation_id.reset(correlation_token)


def outgoing_headers() -> dict[str, str]:
    """The headers that hand the running trace on to another service."""
    trace = parse_traceparent(traceparent.get()) or new_trace()
    return {"traceparent": str(trace.child()), "x-request-id": current_correlation_id()}


def _new_span_id() -> str:
    return new_id().hex[16:]
