"""A cursor goes round unharmed, and a made-up one is refused."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from libs.servicekit.pagination import decode_cursor, encode_cursor, instant, page_of
from libs.servicekit.problems import Problem

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def test_the_position_survives_the_round_trip() -> None:
    position = {"at": AT, "id": uuid4(), "n": 7, "name": "Äpfel|&", "none": None}
    cursor = encode_cursor(position)

    assert decode_cursor(cursor, at=instant, id=UUID, n=int, name=str, none=str) == position
    assert cursor.isascii()


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None, at=instant) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "%%%",
        "ä",
        "e30",
        "bnVsbA",
        "W10",
        "W1tb" * 300,
        encode_cursor({"at": "yesterday"}),
        encode_cursor({"at": "2026-03-01T12:00:00"}),
        encode_cursor({"other": "2026-03-01T12:00:00Z"}),
        encode_cursor({"at": AT, "more": 1}),
    ],
)
def test_a_cursor_of_no_list_is_refused(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        decode_cursor(cursor, at=instant)

    assert refused.value.status == 422
    assert refused.value.errors[0].pointer == "/query/cursor"


def test_pages_join_without_gap_or_overlap() -> None:
    everything, seen, cursor = list(range(23)), list[int](), None
    while True:
        after = decode_cursor(cursor, n=int)
        rows = [n for n in everything if after is None or n > after["n"]][:6]
        page = page_of(rows, limit=5, shown=lambda n: n, position=lambda n: {"n": n})
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == everything


def test_the_last_page_says_so_even_when_it_is_full() -> None:
    page = page_of([1, 2], limit=2, shown=str, position=lambda n: {"n": n})

    assert (page.items, page.next_cursor) == (["1", "2"], None)
