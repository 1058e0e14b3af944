"""Structured logs: a static event name plus allowed fields; whatever is not allowed is dropped and counted."""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog
from prometheus_client import Counter
from structlog.typing import EventDict, Processor, WrappedLogger

from libs.servicekit.settings import LogFormat, LogLevel
from libs.servicekit.tracing import correlation_id, traceparent

# An e-mail address, a phone number or a name has no field here, so none can be written by accident.
_ALLOWED = """
    event level logger timestamp service process correlation_id trace_id exception
    action actor arm attempt attempts batch bus channel check child cohort column consumer_group count customer_id
    delay_seconds delivery_id done duration_seconds effect_id endpoint enrolment_id entry_id epoch error error_type
    event_id event_type expected failed floor found from from_sequence group groups head host import_id intent_id
    item_id job_id journey_id kind lag lag_seconds lane lanes last limit low_offset member_id merchant_id
    merchant_no message_id method mode name_of_task offset order_id origin outcome partition partitions parts path
    pid platform port position product_id programme_id rate reason records refund_id request revision route rows
    scope seconds segment_id sequence sequences signal size_bytes skipped slug source state status step store_id
    subject table target template_id tier timeout_seconds times to to_sequence topic total type unit verdict version
    wait_seconds
"""
ALLOWED_FIELDS: Final = frozenset(_ALLOWED.split())

_OF_THE_FORMATTER: Final = frozenset({"_record", "_from_structlog"})

_dropped = Counter("log_fields_dropped_total", "Log fields that are not on the allow-list.", ["field"])
_ADDRESS = re.compile(r"[^\s@<>\"'=(]+@[^\s@<>\"')]+")


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for the module `name`; it follows whatever `configure` says later."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def configure(
    *, service: str, process: str, level: LogLevel = "INFO", fmt: LogFormat = "json", stream: TextIO | None = None
) -> None:
    """Every logger of this process, structlog's and the standard library's, writes one line per event to stderr."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        _origin_of(service=service, process=process),
        _render_exception,
        _only_allowed_fields,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[*shared, structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(fmt)]
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for chatty in ("uvicorn.access", "httpx", "httpcore", "alembic", "asyncio"):
        logging.getLogger(chatty).setLevel("WARNING")


def _renderer(fmt: LogFormat) -> Processor:
    if fmt == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)


def _origin_of(*, service: str, process: str) -> Processor:
    def add(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["service"], event["process"] = service, process
        if known := correlation_id.get():
            event["correlation_id"] = known
        if trace := traceparent.get():
            event["trace_id"] = trace.split("-")[1]
        return event

    return add


def _only_allowed_fields(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    for field in [name for name in event if name not in ALLOWED_FIELDS and name not in _OF_THE_FORMATTER]:
        del event[field]
        if not field.startswith("_"):
            _dropped.labels(field=field).inc()
    for field, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[field] = without_addresses(value)
    return event


def _render_exception(logger: WrappedLogger, method: str, event: MutableMapping[str, Any]) -> EventDict:
    """The traceback's places and each error's type and first line.

    The further lines are left out and addresses are masked: database drivers quote the offending row there.
    """
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else sys.exception() if found is True else found
    if isinstance(error, BaseException):
        event["exception"] = without_addresses("\n".join(_described(error)))
    return dict(event)


def without_addresses(text: str) -> str:
    """`text` with everything that looks like an e-mail address masked."""
    return _ADDRESS.sub("[address]", text)


def _described(error: BaseException) -> list[str]:
    frames = [f"  {each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(error.__traceback__)]
    lines = [f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}", *frames]
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            lines += _described(member)
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines + (["caused by", *_described(cause)] if cause else [])
