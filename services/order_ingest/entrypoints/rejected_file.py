"""Rejected rows as a CSV file for a spreadsheet."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from libs.servicekit.table import guarded
from services.order_ingest.application.history_service import RejectedRow

COLUMNS: Final = ("line", "reason")
Write: TypeAlias = Callable[[RejectedRow], None]


@contextmanager
def rejected_file(path: Path) -> Iterator[Write]:
    """The file stands when the block has ended well, with every row that was written; else it is as it was before.

    UTF-8, a header line; no text is one that a spreadsheet would run as a formula.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            yield lambda row: writer.writerow((guarded(row.row_no), guarded(row.reason)))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
