"""What a run of the demo printed, read back from its output."""

from collections.abc import Mapping
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Printed:
    """Tables by title, and everything as one line of words, since sentences are wrapped."""

    tables: Mapping[str, list[Row]]
    words: str


def read(output: str) -> Printed:
    """The tables and words of the output."""
    tables: dict[str, list[Row]] = {}
    before, title = "", ""
    for line in output.splitlines():
        if line.startswith("┏"):
            title = before.strip()
            tables[title] = []
        elif line.startswith("│"):
            _add(tables[title], tuple(cell.strip() for cell in line.strip("│").split("│")))
        before = line
    return Printed(tables, " ".join(output.split()))


def _add(rows: list[Row], cells: Row) -> None:
    """A line whose last cell is empty goes on with a cell of the row before that was too long for its column."""
    if rows and not cells[-1]:
        rows[-1] = tuple(f"{old} {new}".strip() for old, new in zip(rows[-1], cells, strict=True))
    else:
        rows.append(cells)
