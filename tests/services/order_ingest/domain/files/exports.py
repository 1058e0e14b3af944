"""The whole way of an exported file, from its bytes to canonical orders as the import reads them."""

import io
import json
from collections.abc import Iterator
from typing import Any

from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.files.detection import SAMPLE_BYTES, decode_name, delimiter
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.presets import PRESETS, Converted, Preset, detect, orders
from services.order_ingest.domain.files.rows import Refused, headers, read
from services.order_ingest.domain.platforms import canonical
from services.order_ingest.domain.reading import load


def lines(content: bytes) -> Iterator[str]:
    """The physical lines of the file in the encoding that was detected, with their ends."""
    reader = io.TextIOWrapper(io.BytesIO(content), encoding=decode_name(content[:SAMPLE_BYTES]), newline="\n")
    return iter(reader)


def recognised(content: bytes) -> tuple[str, Preset | None]:
    """The file's delimiter and its preset."""
    mark = delimiter(next(lines(content)))
    return mark, detect(headers(lines(content), delimiter=mark, quoting=True))


def results(content: str | bytes, preset: str | None = None, **options: Any) -> list[Converted | Refused]:
    """What becomes of every order of the file."""
    raw = content.encode() if isinstance(content, str) else content
    mark, detected = recognised(raw)
    chosen = PRESETS[preset] if preset else detected
    assert chosen is not None
    rows = read(lines(raw), delimiter=mark, quoting=chosen.quoting)
    return list(orders(rows, chosen, Options(**options)))


def seen(result: Converted | Refused) -> OrderSeen:
    """The order as the import reads it: written as JSON, read again, parsed."""
    assert isinstance(result, Converted), result
    found = canonical.order(load(json.dumps(result.order).encode()))
    assert isinstance(found, OrderSeen)
    return found


def only(content: str | bytes, preset: str | None = None, **options: Any) -> OrderSeen:
    """The file's one order."""
    (result,) = results(content, preset, **options)
    return seen(result)


def reason(content: str | bytes, preset: str | None = None, **options: Any) -> str:
    """Why the file's one order is refused."""
    (result,) = results(content, preset, **options)
    assert isinstance(result, Refused)
    return result.reason
