"""The canonical order's content as the JSON document that is stored, hashed and shown."""

import json
from dataclasses import fields
from typing import Any, Final

from services.order_ingest.domain.changes import Line, OrderContent

_LINE_FIELDS: Final = tuple((field.name, None if field.default == () else field.default) for field in fields(Line))
_ORDER_FIELDS: Final = tuple(field.name for field in fields(OrderContent) if field.name not in ("lines", "placed_at"))


def content_document(content: OrderContent) -> bytes:
    """The same bytes for the same content, for ever; empty and default values are left out."""
    document: dict[str, Any] = {"placed_at": content.placed_at.isoformat()}
    for name in _ORDER_FIELDS:
        value = getattr(content, name)
        if value not in (None, ()):
            document[name] = value
    document["lines"] = [_line(line) for line in content.lines]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _line(line: Line) -> dict[str, Any]:
    found = {}
    for name, default in _LINE_FIELDS:
        value = getattr(line, name)
        if value != default and value != ():
            found[name] = value
    return found
