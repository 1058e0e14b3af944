"""What the routes have in common: the instant asked about, the reads, and tables in the form the caller prefers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from libs.servicekit.instants import Instant
from libs.servicekit.kit import kit, part
from libs.servicekit.problems import Flaw, invalid
from libs.servicekit.table import csv_response
from services.segmentation.application.ports import Reads
from services.segmentation.entrypoints.examples import INSTANT

TheReads = Annotated[Reads, Depends(part(Reads))]


@dataclass(frozen=True, slots=True)
class Asked:
    """The instant that was asked about (None: all that is known), and now."""

    given: datetime | None
    now: datetime

    @property
    def at(self) -> datetime:
        """The instant that the answer is about."""
        return self.given or self.now


def instant(
    request: Request,
    as_of: Annotated[
        Instant | None,
        Query(description="What held then (RFC 3339). Left out: all that is known.", examples=[INSTANT]),
    ] = None,
) -> Asked:
    """The instant that the request is about.

    Raises:
        Problem: 422, it lies in the future: nothing held yet, and cohorts would not be matured.
    """
    now = kit(request).clock.now()
    if as_of is not None and as_of > now:
        raise invalid("See errors.", [Flaw(pointer="/query/as_of", detail="must not lie in the future")])
    return Asked(as_of, now)


AsOf = Annotated[Asked, Depends(instant)]


def page_as_csv(
    request: Request, columns: Sequence[str], rows: Sequence[Sequence[object]], *, name: str, next_cursor: str | None
) -> Response:
    """One page of a list as a table; where there is a next page, the Link header has its address (RFC 8288)."""
    response = csv_response(columns, rows, name=name)
    if next_cursor is not None:
        address = request.url.include_query_params(cursor=next_cursor)
        response.headers["link"] = f'<{address}>; rel="next"'
    return response
