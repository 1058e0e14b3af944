"""Lists in pages: an opaque cursor that says where the next page begins, in an order that the route states."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from libs.servicekit.problems import Flaw, Problem, invalid

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200

T = TypeVar("T")
R = TypeVar("R")


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[T]
    next_cursor: str | None = Field(None, examples=["eyJhdCI6IjIwMjYtMDEtMDIifQ"])


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]


def encode_cursor(position: Mapping[str, Any]) -> str:
    """An opaque cursor for the sort key of the page's last item (str, int, None, UUID and datetime values)."""
    text = json.dumps(dict(position), separators=(",", ":"), default=_plain)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, **kinds: Callable[[str], Any]) -> dict[str, Any] | None:
    """The sort key in `cursor`, each value made by its kind: `decode_cursor(cursor, at=instant, id=UUID)`.

    Raises:
        Problem: 422, the cursor is none of this list's.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(position, dict) or set(position) != set(kinds):
            raise _bad_cursor()
        return {name: None if position[name] is None else kind(str(position[name])) for name, kind in kinds.items()}
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _bad_cursor() from error


def page_of(
    rows: Sequence[R], *, limit: int, shown: Callable[[R], T], position: Callable[[R], Mapping[str, Any]]
) -> Page[T]:
    """The page, from up to `limit + 1` rows: the row too many only tells that there is a next page."""
    on_page = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[shown(row) for row in on_page], next_cursor=encode_cursor(position(on_page[-1])) if more else None
    )


def instant(text: str) -> datetime:
    """An aware instant out of a cursor.

    Raises:
        ValueError: not one.
    """
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a cursor's instant has a time zone")
    return found


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a cursor cannot hold a {type(value).__name__}")


def _bad_cursor() -> Problem:
    return invalid("The cursor is not one of this list's.", [Flaw(pointer="/query/cursor", detail="unknown cursor")])
