"""Rows of delimited files: where each starts, what is refused in its place, and that nothing is kept."""

import tracemalloc
from collections.abc import Iterator
from itertools import chain, islice

import pytest

from services.order_ingest.domain.files.rows import Refused, headers, read


def _read(text: str, *, delimiter: str = ",", quoting: bool = True) -> list[tuple[int, dict[str, str]] | Refused]:
    found = read(iter(text.splitlines(keepends=True)), delimiter=delimiter, quoting=quoting)
    return [item if isinstance(item, Refused) else (item[0], dict(item[1])) for item in found]


def test_a_row_is_its_line_and_its_cells_by_header() -> None:
    assert _read("a,b\n1,2\n3,4\n") == [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})]


@pytest.mark.parametrize("text", ["\ufeffa , b\r\n1,2\r\n", '\ufeff"a",  b \n1,2\n', " \ufeffa,b\n1,2"])
def test_headers_lose_their_mark_and_their_spaces(text: str) -> None:
    assert _read(text) == [(2, {"a": "1", "b": "2"})]
    assert headers(text.splitlines(keepends=True), delimiter=",", quoting=True) == ("a", "b")


def test_a_quoted_cell_may_go_on_over_lines() -> None:
    text = 'a,b\n1,"first\r\nsecond, ""quoted""\n\nlast"\n2,x\n'

    assert _read(text) == [(2, {"a": "1", "b": 'first\r\nsecond, "quoted"\n\nlast'}), (6, {"a": "2", "b": "x"})]


def test_without_quoting_a_quotation_mark_is_a_letter() -> None:
    text = 'a\tb\nDisplay 24"\t"x\n'

    assert _read(text, delimiter="\t", quoting=False) == [(2, {"a": 'Display 24"', "b": '"x'})]


def test_a_row_of_the_wrong_length_is_refused_in_its_place() -> None:
    found = _read("a,b\n1\n1,2,3\n1,2\n")

    assert found == [
        Refused(2, "the row has 1 cells, the header 2"),
        Refused(3, "the row has 3 cells, the header 2"),
        (4, {"a": "1", "b": "2"}),
    ]


def test_blank_rows_are_passed_over_and_counted() -> None:
    assert _read("\na,b\n\n,\n  , \n1,2\n\n") == [(6, {"a": "1", "b": "2"})]


def test_a_header_that_stands_twice_refuses_the_file() -> None:
    assert _read("a,b, a\n1,2,3\n") == [
        Refused(1, "columns 1, 3 have headers that stand twice: nobody knows which is meant")
    ]


def test_columns_without_a_name_may_be_many() -> None:
    assert _read("a,,\n1,,\n") == [(2, {"a": "1", "": ""})]


def test_an_empty_file_is_refused() -> None:
    assert _read("") == _read("\n\n") == [Refused(1, "the file is empty")]
    assert headers([], delimiter=",", quoting=True) == ()


def test_what_follows_a_closed_quote_is_refused_not_joined() -> None:
    first, second = _read('a,b\n"1"x,2\n3,4\n')

    assert isinstance(first, Refused)
    assert first.reason.startswith("lines 2 to 2 are no row")
    assert second == (3, {"a": "3", "b": "4"})


def test_a_quote_that_is_never_closed_costs_a_bounded_number_of_lines() -> None:
    found = _read('a,b\n1,"never closed\n' + "1,2\n" * 100_000)

    assert isinstance(found[0], Refused)
    assert found[0].line == 2
    assert len(found) > 60_000
    assert found[-1] == (100_002, {"a": "1", "b": "2"})


def test_a_quote_that_is_open_at_the_end_is_refused() -> None:
    (found,) = _read('a,b\n1,"open\n')

    assert isinstance(found, Refused)


def test_reading_is_lazy() -> None:
    def endless() -> Iterator[str]:
        yield "a,b\n"
        while True:
            yield "1,2\n"

    assert len(list(islice(read(endless(), delimiter=",", quoting=True), 3))) == 3


def test_a_hundred_thousand_rows_take_no_more_memory_than_one() -> None:
    halves = (f'{n},"some text over\n' if n % 2 else f'two lines",{n}\n' for n in range(1, 200_001))
    tracemalloc.start()
    try:
        count = sum(1 for _ in read(chain(["a,b,c\n"], halves), delimiter=",", quoting=True))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 100_000
    assert peak < 64 * 1024
