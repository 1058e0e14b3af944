"""Tables as JSON or, where the caller prefers it, as CSV that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

CSV: Final = "text/csv"
_JSON: Final = "application/json"
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

CSV_RESPONSE: Final[Mapping[int | str, dict[str, Any]]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}}}, "description": "JSON, or CSV with `Accept: text/csv`"}
}
"""What a route that offers both puts into `responses=`."""


def prefers_csv(request: Request) -> bool:
    """True if the Accept header ranks text/csv above JSON."""
    accepted = _accepted(request.headers.get("accept", ""))
    as_csv = max(accepted.get(CSV, 0.0), accepted.get("text/*", 0.0))
    return as_csv > max(accepted.get(_JSON, 0.0), accepted.get("application/*", 0.0), accepted.get("*/*", 0.0))


def csv_response(columns: Sequence[str], rows: Iterable[Sequence[object]], *, name: str) -> Response:
    """The rows as a CSV file called `<name>.csv` (RFC 4180, UTF-8, a header line, every cell quoted)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "vary": "Accept"}
    return Response(text.getvalue(), media_type=f"{CSV}; charset=utf-8", headers=headers)


def guarded(cell: object) -> str:
    """The cell as text; a text that a spreadsheet would run as a formula gets an apostrophe in front.

    Numbers are left alone: -5 is a value. Source: OWASP, CSV Injection.
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
    return str(cell)


def _accepted(header: str) -> dict[str, float]:
    accepted: dict[str, float] = {}
    for part in header.lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind:
            accepted[kind] = next((_quality(each) for each in parameters if each.startswith("q=")), 1.0)
    return accepted


def _quality(parameter: str) -> float:
    try:
        return min(1.0, max(0.0, float(parameter[2:])))
    except ValueError:
        return 0.0
