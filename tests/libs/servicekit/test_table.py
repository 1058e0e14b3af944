"""A table leaves as CSV only where that is preferred, and holds no formula of a stranger's making."""

import csv
import io

import pytest
from fastapi import Request

from libs.servicekit.table import csv_response, guarded, prefers_csv


def _asking(accept: str | None) -> Request:
    headers = [] if accept is None else [(b"accept", accept.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "csv_wins"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("Text/CSV; charset=utf-8", True),
        ("application/json", False),
        ("application/json, text/csv", False),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0.4, */*;q=0.5", False),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0", False),
        ("text/csv;q=wrong", False),
        ("text/*", True),
    ],
)
def test_csv_is_sent_where_it_is_preferred(accept: str | None, csv_wins: bool) -> None:
    assert prefers_csv(_asking(accept)) is csv_wins


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_would_run_is_guarded(start: str) -> None:
    assert guarded(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(("value", "cell"), [(-5, "-5"), (0.25, "0.25"), (None, ""), ("a-b", "a-b"), ("", "")])
def test_values_stay_what_they_are(value: object, cell: str) -> None:
    assert guarded(value) == cell


def test_the_file_reads_back_as_it_was_written() -> None:
    answer = csv_response(["name", "points"], [['quo"te, comma\nline', 7], ["=1+1", None]], name="members")
    read = list(csv.reader(io.StringIO(bytes(answer.body).decode(), newline="")))

    assert read == [["name", "points"], ['quo"te, comma\nline', "7"], ["'=1+1", ""]]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="members.csv"'
