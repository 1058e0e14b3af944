"""What a person sees of an import: bars with rates on a terminal, a line every few seconds elsewhere."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Task as Bar
from rich.table import Table
from rich.text import Text

from libs.kernel.money import from_minor
from services.order_ingest.application.history_service import ImportSeen
from services.order_ingest.entrypoints.import_schemas import PreviewOut, RejectedRow

LINE_SECONDS: Final = 5.0
_SHOWN_ROWS: Final = 20
_LOG_WIDTH: Final = 140
_BAR_WIDTH: Final = 20


class Screen:
    """Watches one import; complaints go to stderr. To be entered while something is under way."""

    def __init__(self, out: Console, complaints: Console) -> None:
        self._out = out
        self._complaints = complaints
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(bar_width=_BAR_WIDTH),
            _Amount(),
            TimeElapsedColumn(),
            console=out,
            get_time=out.get_time,
            disable=not out.is_terminal,
        )
        self._stage: _Stage | None = None

    @classmethod
    def of_process(cls) -> Self:
        """The screen on this process's stdout and stderr; a table in a log needs no terminal to fit in."""
        return cls(*(_wide(Console(stderr=stderr)) for stderr in (False, True)))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, words: str, unit: str, total: int | None) -> None:
        """The stage before is over, or begins again; a total of None is not known yet."""
        if self._stage is not None and self._stage.words == words:
            self._progress.remove_task(self._stage.bar)
        bar = self._progress.add_task(words, total=total, unit=unit)
        self._stage = _Stage(words, unit, total, bar, self._out.get_time())

    def reached(self, done: int, total: int | None = None) -> None:
        """So much of the stage is done."""
        if (stage := self._stage) is None:
            return
        stage.done, stage.total = done, total or stage.total
        self._progress.update(stage.bar, completed=done, total=stage.total)
        if not self._out.is_terminal and stage.has_news(self._out.get_time()):
            self.say(f"{stage.words}: {stage.told(self._out.get_time())}")

    def say(self, text: str) -> None:
        """A line of its own."""
        _print(self._out, _safe(text))

    def complain(self, text: str) -> None:
        """A line on stderr."""
        _print(self._complaints, _safe(text))

    def show_import(self, seen: ImportSeen) -> None:
        """How the rows of an import ended."""
        figures = {
            "rows read": seen.rows_read,
            "accepted": seen.accepted,
            "duplicates (changed nothing)": seen.duplicates,
            "rejected": seen.rejected,
        }
        self.say(f"Import {seen.import_id}")
        _print(self._out, _figures(figures))

    def show_preview(self, told: PreviewOut) -> None:
        """What an import would create, and the first of the rows that it would refuse."""
        self.say("An import would create (nothing is kept yet)")
        _print(self._out, _figures(_previewed(told)))
        if told.refused_rows:
            shown = told.refused_rows[:_SHOWN_ROWS]
            self.say("Refused rows" if len(shown) == told.refused else f"The first {len(shown)} refused rows")
            _print(self._out, _refused(shown))


class _Stage:
    """One piece of the way, and when it was last told of."""

    def __init__(self, words: str, unit: str, total: int | None, bar: TaskID, now: float) -> None:
        self.words, self.unit, self.total, self.bar = words, unit, total, bar
        self.done = 0
        self._began = self._told_at = now
        self._is_told_whole = False

    def has_news(self, now: float) -> bool:
        """True every few seconds, and once for the whole."""
        is_whole = self.total is not None and self.done >= self.total and not self._is_told_whole
        if not is_whole and now - self._told_at < LINE_SECONDS:
            return False
        self._told_at, self._is_told_whole = now, self._is_told_whole or is_whole
        return True

    def told(self, now: float) -> str:
        return _amount(self.done, self.total, self.unit, self.done / max(now - self._began, 0.001))


class _Amount(ProgressColumn):
    """How much of how much, and how much a second."""

    def render(self, task: Bar) -> Text:
        rate = task.completed / task.elapsed if task.elapsed else 0.0
        total = None if task.total is None else int(task.total)
        return Text(_amount(int(task.completed), total, task.fields["unit"], rate), no_wrap=True)


def _amount(done: int, total: int | None, unit: str, rate: float) -> str:
    if unit == "bytes":
        of = "" if total is None else f" of {decimal(total)}"
        return f"{decimal(done)}{of}, {decimal(int(rate))}/s"
    of = "" if total is None else f" of {total:,}"
    return f"{done:,}{of} {unit}, {rate:,.0f}/s"


def _previewed(told: PreviewOut) -> dict[str, object]:
    figures: dict[str, object] = {
        "rows read": told.rows_read,
        "orders": told.orders,
        "of them anonymous": told.anonymous_orders,
        "other records": told.others,
        "refused rows": told.refused,
    }
    if told.first_placed_at and told.last_placed_at:
        figures["placed"] = f"{told.first_placed_at:%Y-%m-%d} to {told.last_placed_at:%Y-%m-%d} (UTC)"
    for each in told.money:
        total, refunded = (from_minor(minor, each.currency) for minor in (each.total_minor, each.refunded_minor))
        figures[each.currency] = f"{each.orders:,} orders, total {total:,}, refunded {refunded:,}"
    return figures


def _figures(figures: Mapping[str, object]) -> Table:
    table = Table("", "", show_header=False)
    for name, value in figures.items():
        table.add_row(name, _safe(f"{value:,}" if isinstance(value, int) else str(value)))
    return table


def _refused(rows: Sequence[RejectedRow]) -> Table:
    table = Table("line", "reason")
    for row in rows:
        table.add_row(str(row.row_no), _safe(row.reason))
    return table


def _safe(text: str) -> Text:
    """Texts from elsewhere are shown, not obeyed: neither rich's markup nor a terminal's control characters."""
    return Text("".join(each if each.isprintable() or each == "\n" else "?" for each in text))


def _print(console: Console, what: Text | Table) -> None:
    # Nobody reads any more: that ends no import. (On a broken pipe rich asks to exit.)
    with suppress(OSError, SystemExit):
        console.print(what, soft_wrap=isinstance(what, Text))


def _wide(console: Console) -> Console:
    if not console.is_terminal:
        console.width = max(console.width, _LOG_WIDTH)
    return console
