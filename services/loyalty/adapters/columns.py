"""Rows turned into columns: every set-based statement takes one array per column."""

from collections.abc import Iterable
from typing import Any


def columns(names: str, rows: Iterable[tuple[Any, ...]]) -> dict[str, list[Any]]:
    """Arrays by name (`names` has them separated by blanks); without rows, empty arrays. Values are a driver's."""
    keys = names.split()
    arrays = [list(array) for array in zip(*rows, strict=True)] or [[] for _ in keys]
    return dict(zip(keys, arrays, strict=True))
