"""A delimited file, row by row: each under its headers and with the line where it starts, none kept."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Row: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """What starts at `line` was left out, and why. Of its cells only `external_id` is told, which names the order."""

    line: int
    reason: str
    external_id: str | None = None


Numbered: TypeAlias = tuple[int, Row]


def read(lines: Iterable[str], *, delimiter: str, quoting: bool) -> Iterator[Numbered | Refused]:
    """Every row as (physical line where it starts, header -> cell); what is no row is refused in its place.

    `lines` are physical lines with their line ends, the header first; a quoted cell may go on over several. Rows of
    blank cells are passed over. `quoting` False: between tabs a quotation mark is a letter like any other (Amazon).
    A header that stands twice refuses the whole file, with one item. A quotation mark that is never closed costs the
    lines up to the next 128 KiB (the `csv` module's longest cell), which its reason names.
    """
    parsed = _parsed(lines, delimiter, quoting)
    top = next(parsed, None)
    if top is None or isinstance(top, Refused):
        yield top or Refused(1, "the file is empty")
        return
    headers = _stripped(top[1])
    if twice := _twice(headers):
        columns = ", ".join(map(str, twice))
        yield Refused(top[0], f"columns {columns} have headers that stand twice: nobody knows which is meant")
        return
    for found in parsed:
        yield found if isinstance(found, Refused) else _row(found, headers)


def headers(lines: Iterable[str], *, delimiter: str, quoting: bool) -> tuple[str, ...]:
    """The headers of the file, stripped; empty if it has no readable header. Reads no further."""
    top = next(_parsed(lines, delimiter, quoting), None)
    return _stripped(top[1]) if isinstance(top, tuple) else ()


def _parsed(lines: Iterable[str], delimiter: str, quoting: bool) -> Iterator[tuple[int, list[str]] | Refused]:
    # Strict: half-quoted cells and a quote that never ends would otherwise swallow their neighbours in silence.
    plain = _unmarked(lines)
    # Only a spreadsheet has saved an unquoted format with commas, and that quotes.
    if quoting or delimiter != "\t":
        reader = csv.reader(plain, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(plain, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refused(line, f"lines {line} to {reader.line_num} are no row: {error}")
            continue
        if any(map(str.strip, cells)):
            yield line, cells


def _unmarked(lines: Iterable[str]) -> Iterator[str]:
    """The lines without a byte order mark, which would make the first header's quotation mark a letter."""
    marked = iter(lines)
    for first in marked:
        yield first.removeprefix("\ufeff")
        break
    yield from marked


def _stripped(cells: list[str]) -> tuple[str, ...]:
    return tuple(cell.strip().removeprefix("\ufeff").strip() for cell in cells)


def _twice(headers: tuple[str, ...]) -> list[int]:
    """The numbers of the columns whose header another has too: names may be a person's, in a file without headers."""
    times = Counter(headers)
    # Columns without a name are the empty ones that spreadsheets leave on the right.
    return [number for number, name in enumerate(headers, start=1) if name and times[name] > 1]


def _row(found: tuple[int, list[str]], headers: tuple[str, ...]) -> Numbered | Refused:
    line, cells = found
    if len(cells) != len(headers):
        return Refused(line, f"the row has {len(cells)} cells, the header {len(headers)}")
    return line, dict(zip(headers, cells, strict=True))
