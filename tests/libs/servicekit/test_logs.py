"""A log line holds what is allowed and nothing else, whoever writes it."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from libs.servicekit import logs
from libs.servicekit.tracing import correlated

SECRET = "ada@example.com"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged inside the test; the loggers of other tests are left as they were."""
    root, written = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    logs.configure(service="loyalty", process="worker", level="INFO", fmt="json", stream=written)
    yield written
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_names_event_service_and_correlation(stream: io.StringIO) -> None:
    with correlated("c-1", f"00-{'ab' * 16}-{'cd' * 8}-01"):
        logs.logger("libs.relay").info("relay_round_done", topic="commerce", rows=7)

    (line,) = _lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "relay_round_done",
        "level": "info",
        "logger": "libs.relay",
        "service": "loyalty",
        "process": "worker",
        "correlation_id": "c-1",
        "trace_id": "ab" * 16,
        "topic": "commerce",
        "rows": 7,
    }


def test_fields_off_the_list_are_dropped_and_counted(stream: io.StringIO) -> None:
    before = REGISTRY.get_sample_value("log_fields_dropped_total", {"field": "given_name"}) or 0.0
    logs.logger("x").info("customer_registered", given_name="Ada", email=SECRET, phone="+4312345", customer_id="c")

    (line,) = _lines(stream)
    assert not {"given_name", "email", "phone"} & set(line)
    assert line["customer_id"] == "c"
    assert REGISTRY.get_sample_value("log_fields_dropped_total", {"field": "given_name"}) == before + 1


def test_an_error_is_told_by_place_and_first_line(stream: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"duplicate key\nDETAIL: Key (email)=({SECRET}) already exists")
        except ValueError as error:
            raise RuntimeError(f"could not store {SECRET}") from error
    except RuntimeError:
        logs.logger("x").exception("store_failed")

    (line,) = _lines(stream)
    assert "RuntimeError: could not store [address]" in line["exception"]
    assert "ValueError: duplicate key" in line["exception"]
    assert "test_logs.py" in line["exception"]
    assert SECRET not in stream.getvalue()
    assert "DETAIL" not in stream.getvalue()


def test_every_error_of_a_group_is_told(stream: io.StringIO) -> None:
    logs.logger("x").error("crashed", exc_info=ExceptionGroup("tasks", [ValueError("one"), KeyError("two")]))

    (line,) = _lines(stream)
    assert "ValueError: one" in line["exception"]
    assert "KeyError: 'two'" in line["exception"]


def test_other_libraries_write_the_same_lines(stream: io.StringIO) -> None:
    logging.getLogger("some.library").warning("connected to postgresql://u:pw@db/x", extra={"email": SECRET})

    (line,) = _lines(stream)
    assert (line["level"], line["service"]) == ("warning", "loyalty")
    assert (line["event"], line["logger"]) == ("connected to [address]", "some.library")
    assert "email" not in line


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    logs.logger("x").debug("detail")

    assert stream.getvalue() == ""


def test_people_get_a_readable_line() -> None:
    root, written = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    logs.configure(service="loyalty", process="all", level="INFO", fmt="console", stream=written)
    logs.logger("x").info("task_started", name_of_task="relay", email=SECRET)
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()

    assert "task_started" in written.getvalue()
    assert "relay" in written.getvalue()
    assert SECRET not in written.getvalue()
