"""The stages of the job, as progress bars with rates on a terminal, as lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Task as Bar
from rich.text import Text


class Stage:
    """One bar; it is over when the next one begins."""

    def __init__(self, progress: Progress, bar: TaskID, words: str) -> None:
        self._progress = progress
        self._bar = bar
        self._most = 0
        self.words = words
        self.done = 0
        self.began = time.monotonic()

    def advance(self, count: int) -> None:
        """So many more are done; nobody knows yet of how many."""
        self.show(self.done + count, 0)

    def show(self, done: int, total: int) -> None:
        """So many are done; a total of 0 is not known yet."""
        self.done = done
        self._progress.update(self._bar, completed=done, total=total or None)

    def count_down(self, left: int) -> None:
        """So many are left, of the most that were ever left."""
        self._most = max(self._most, left)
        self.show(self._most - left, self._most)

    def end(self) -> str:
        """The bar is full; what to say of the stage."""
        self._progress.update(self._bar, completed=self.done, total=self.done)
        seconds = time.monotonic() - self.began
        return f"{self.words}: {self.done:,} in {seconds:.1f} s ({self.done / max(seconds, 0.001):,.0f}/s)"


class Stages:
    """Begins one stage after the other."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:<26}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._stage: Stage | None = None

    def begin(self, words: str) -> Stage:
        """The stage before is over, this one runs."""
        self._end()
        self._stage = Stage(self._progress, self._progress.add_task(words, total=None), words)
        return self._stage

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end()
        self._progress.stop()

    def _end(self) -> None:
        if self._stage is not None:
            said = self._stage.end()
            if not self._console.is_terminal:
                self._console.print(said)


class _Rate(TextColumn):
    """Work per second so far."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Bar) -> Text:
        return Text(f"{task.completed / task.elapsed if task.elapsed else 0.0:,.0f}/s")
