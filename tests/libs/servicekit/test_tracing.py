"""A trace goes on through us, and a broken header never breaks a request."""

import pytest

from libs.servicekit.tracing import (
    accepted_correlation_id,
    correlated,
    correlation_id,
    current_correlation_id,
    new_trace,
    outgoing_headers,
    parse_traceparent,
    traceparent,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def test_a_traceparent_survives_the_round_trip() -> None:
    header = f"00-{TRACE}-{SPAN}-01"

    assert str(parse_traceparent(header)) == header


def test_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    assert parse_traceparent(f"01-{TRACE}-{SPAN}-00-more") is not None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_a_broken_traceparent_names_no_trace(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_new_traces_are_valid_and_differ() -> None:
    one, two = new_trace(), new_trace()

    assert parse_traceparent(str(one)) == one
    assert one.trace_id != two.trace_id
    assert one.child().trace_id == one.trace_id
    assert one.child().span_id != one.span_id


@pytest.mark.parametrize("text", [None, "", "a b", "x" * 65, "ada@example.com", "-", "a\nb", "ä"])
def test_a_harmful_correlation_id_is_not_taken_over(text: str | None) -> None:
    assert accepted_correlation_id(text) is None


def test_work_inside_the_block_is_correlated_and_only_there() -> None:
    with correlated("outer", f"00-{TRACE}-{SPAN}-01"):
        with correlated("inner"):
            assert (current_correlation_id(), traceparent.get()) == ("inner", None)
        headers = outgoing_headers()

    assert headers["x-request-id"] == "outer"
    assert headers["traceparent"].split("-")[1] == TRACE
    assert headers["traceparent"].split("-")[2] != SPAN
    assert correlation_id.get() == ""
