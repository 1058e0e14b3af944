"""Answers to who asked for all that is kept about them, opened as their reader does it, and what a test expects."""

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from libs.servicekit.sealing import Sealer


def opened(facts: Sequence[Mapping[str, Any]], sealer: Sealer) -> dict[str, list[dict[str, Any]]]:
    """What the parts hold, whatever order they were read in."""
    ordered = sorted(facts, key=lambda fact: int(fact["part"]))
    assert [fact["part"] for fact in ordered] == list(range(1, ordered[0]["parts"] + 1))
    text = "".join(sealer.open(fact["data_sealed"])["data"] for fact in ordered)
    found: dict[str, list[dict[str, Any]]] = json.loads(zlib.decompress(base64.b64decode(text)))
    return found


def shown(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they must be told: what is neither number, text, truth nor nested is a text; in one order."""
    told = [{name: _shown(value) for name, value in row.items()} for row in rows]
    return sorted(told, key=lambda row: json.dumps(row, sort_keys=True))


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return value if value is None or isinstance(value, bool | int | str | dict) else str(value)
