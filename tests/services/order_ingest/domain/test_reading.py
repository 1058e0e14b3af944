"""Untrusted JSON: what is refused, and that refusing is quick."""

from time import perf_counter

import pytest

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import external_id, instant, integer, load, microseconds, moment, text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'\xff{"a": 1}',
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"a":' + b"[" * 200_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ],
)
def test_what_is_no_sound_object_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        load(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a" : 2}',
        b'{"a": "\\":", "b": 1, "b": 2}',
        b'{"a": [{"b": "x", "b" \n: "\\":"}]}',
        b'{"\\u0061": 1, "a": 2}',
    ],
)
def test_a_key_that_stands_twice_is_found_however_it_is_written(body: bytes) -> None:
    with pytest.raises(Malformed, match="twice"):
        load(body)


def test_quotes_and_colons_inside_texts_are_no_keys() -> None:
    assert load(b'{"a": "\\":", "b" : "\\" :"}') == {"a": '":', "b": '" :'}


def test_brackets_inside_texts_do_not_count_as_depth() -> None:
    assert load(b'{"a": "' + b"[" * 100 + b'\\"' + b"{" * 100 + b'"}')["a"].startswith("[[[")


@pytest.mark.parametrize(
    "body", [b'{"' + b'\\"' * 500_000, b'{"a": "' + b"[" * 1_000_000, b'"' * 1_000_000 + b"[" * 99]
)
def test_a_hostile_body_is_judged_in_time(body: bytes) -> None:
    started = perf_counter()
    with pytest.raises(Malformed):
        load(body)

    assert perf_counter() - started < 2.0


def test_texts_that_no_database_holds_are_cleaned() -> None:
    found = load(b'{"a": "x\\u0000y", "b": "\\ud800"}')

    assert text(found, "a") == "xy"
    assert text(found, "b") == "?"


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-02",
        "2026-05-02T10:00:00",
        "2026-05-02T10Z",
        "20260502T100000Z",
        "2026-W18-6T10:00:00Z",
        "noon",
        5,
        5.0,
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "1979-12-31T23:59:59Z",
    ],
)
def test_a_time_that_could_mean_several_instants_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        instant({"at": value}, "at")


@pytest.mark.parametrize("value", [1.5, True, "1", 2**53 + 1, -(2**53) - 1])
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        integer({"n": value}, "n")


def test_ids_stay_texts_however_large() -> None:
    assert external_id({"id": 820982911946154508}, "id") == "820982911946154508"
    assert external_id({"id": "007"}, "id") == "007"


def test_microseconds_survive_the_way_there_and_back() -> None:
    at = instant({"at": "2026-05-02T06:15:05.123457-04:00"}, "at")
    assert at is not None
    assert moment(microseconds(at)) == at
