"""Consecutive rows of one order, gathered while the file is read; never more than one order is kept."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from services.order_ingest.domain.files.cells import text
from services.order_ingest.domain.files.rows import Numbered, Refused, Row

MAX_ROWS: Final = 1_000
"""More rows than that are no order: the file is grouped by the wrong column."""

REMEMBERED_ORDERS: Final = 10_000
"""So many orders back it is noticed that the rows of one do not stand together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """Rows with the same cell in column `by` are one order; a cell in column `head` always begins one.

    `single`: every row is an order of its own.
    """

    by: str
    head: str | None = None
    single: bool = False


@dataclass(slots=True)
class Group:
    """The rows of one order, which starts at `line`; `complaint` says why they cannot be taken for the whole order."""

    order: str
    line: int
    rows: list[Row] = field(default_factory=list)
    complaint: str | None = None

    def add(self, row: Row) -> None:
        if len(self.rows) < MAX_ROWS:
            self.rows.append(row)
        else:
            self.complaint = f"more than {MAX_ROWS} rows in a row name the same order"


def groups(rows: Iterable[Numbered | Refused], grouping: Grouping) -> Iterator[Group | Refused]:
    """The orders in file order; a refused row is passed on at once.

    A refused row spoils the order before it, and the one after it unless that visibly begins there: it may have been
    a line of either, and an order without one of its lines would look whole.
    """
    current: Group | None = None
    unread: int | None = None
    recent: OrderedDict[str, int] = OrderedDict()
    for item in rows:
        if isinstance(item, Refused):
            if current and not grouping.single:
                current.complaint = _spoiled(item.line)
            unread = item.line
            yield item
            continue
        line, row = item
        if current is None or _begins(row, current, grouping):
            if current is not None:
                yield current
            current = _begun(line, row, grouping, recent)
            if unread is not None and not grouping.single and not _has_head(row, grouping):
                current.complaint = current.complaint or _spoiled(unread)
        current.add(row)
        unread = None
    if current is not None:
        yield current


def _begins(row: Row, current: Group, grouping: Grouping) -> bool:
    if grouping.single or text(row, grouping.by) != current.order:
        return True
    # Two shops' exports put together may have an order #1001 each, one after the other.
    head = text(row, grouping.head) if grouping.head else ""
    return bool(head) and head != text(current.rows[0], grouping.head or "")


def _has_head(row: Row, grouping: Grouping) -> bool:
    return grouping.head is not None and bool(text(row, grouping.head))


def _begun(line: int, row: Row, grouping: Grouping, recent: OrderedDict[str, int]) -> Group:
    group = Group(order=text(row, grouping.by), line=line)
    key = f"{group.order}\n{text(row, grouping.head) if grouping.head else ''}"
    if not group.order:
        group.complaint = f"{grouping.by}: is empty, so the row belongs to no order"
    elif key in recent:
        group.complaint = f"rows of this order stand at line {recent[key]} already: its rows must stand together, once"
    else:
        recent[key] = line
        if len(recent) > REMEMBERED_ORDERS:
            recent.popitem(last=False)
    return group


def _spoiled(line: int) -> str:
    return f"line {line} beside it could not be read and may be one of its lines"
