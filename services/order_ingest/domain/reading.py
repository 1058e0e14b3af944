"""Reading untrusted JSON: every value is checked where it is taken, and a complaint says where it stood."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from libs.kernel.instants import NotAnInstant, instant_of
from services.order_ingest.domain.errors import Malformed

MAX_DEPTH = 64
ID_LENGTH = 128
TEXT_LENGTH = 500
MAX_MINOR = 2**53
"""Beyond this a sender's own JSON library may already have lost a unit."""

Object = Mapping[str, Any]
T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST = datetime(1980, 1, 1, tzinfo=UTC)
_NEWEST = datetime(2200, 1, 1, tzinfo=UTC)
_NESTED = (dict, list)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def load(body: bytes) -> dict[str, Any]:
    """The object in `body`, numbers with a point as Decimal.

    Raises:
        Malformed: not JSON, not an object, a key twice, NaN or infinity, or nested deeper than 64.
    """
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except RecursionError as error:  # the parser's own limit lies beyond ours
        raise Malformed(f"nested deeper than {MAX_DEPTH}") from error
    except ValueError as error:
        raise Malformed(f"not JSON ({type(error).__name__})") from error
    if not isinstance(found, dict):
        raise Malformed("must be an object")
    if not _is_flat(body):
        _refuse_deep(found)
    return found


def _is_flat(body: bytes) -> bool:
    """Whether the brackets alone show that it is not too deep; those inside texts may keep them from it."""
    brackets = body.translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH // 2):  # each round takes the innermost one or two levels away
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return False


def _refuse_deep(found: Object) -> None:
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        values = [value for each in level for value in (each.values() if isinstance(each, dict) else each)]
        level = [value for value in values if isinstance(value, _NESTED)]
        if not level:
            return
    raise Malformed(f"nested deeper than {MAX_DEPTH}")


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed(f"{name} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a key stands twice in one object")
    return found


def text(source: Object, name: str, *, length: int = TEXT_LENGTH) -> str | None:
    """The text under `name`, cut to `length`; absent, null and blank are None."""
    value = source.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Malformed("must be text", f"/{name}")
    return _storable(value).strip()[:length] or None


def _storable(value: str) -> str:
    # PostgreSQL holds neither NUL nor lone surrogates; both can be written in valid JSON.
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "").encode("utf-8", "replace").decode()


def external_id(source: Object, name: str) -> str | None:
    """The sender's id under `name`, as text: ids outgrow 2^53, have leading zeros and suffixes."""
    value = source.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > ID_LENGTH or not value.isprintable():
        raise Malformed(f"must be an id of at most {ID_LENGTH} printable characters", f"/{name}")
    return _storable(value)


def linked_id(source: Object, name: str) -> str | None:
    """The id under `name` of something else; 0 says that there is nobody and nothing."""
    found = external_id(source, name)
    return None if found == "0" else found


def own_id(source: Object, name: str = "id") -> str:
    """The sender's id under `name`, which must be there."""
    return required(external_id(source, name), name)


def external_ids(source: Object, name: str, *, most: int) -> tuple[str, ...]:
    """The sender's ids in the list under `name`, each once; absent and null are no ids."""
    value = source.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > most:
        raise Malformed(f"must be a list of at most {most} ids", f"/{name}")
    by_place = {str(place): item for place, item in enumerate(value)}
    try:
        return tuple(dict.fromkeys(own_id(by_place, place) for place in by_place))
    except Malformed as complaint:
        raise complaint.under(name) from None


def integer(source: Object, name: str, default: int | None = None, *, least: int = -MAX_MINOR) -> int:
    """The whole number under `name`."""
    value = source.get(name)
    if value is None:
        return required(default, name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_MINOR:
        raise Malformed(f"must be a whole number from {least} to {MAX_MINOR}", f"/{name}")
    return value


def flag(source: Object, name: str) -> bool | None:
    value = source.get(name)
    if value is not None and not isinstance(value, bool):
        raise Malformed("must be true or false", f"/{name}")
    return value


def instant(source: Object, name: str) -> datetime | None:
    """The instant under `name`, in UTC."""
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Malformed("must be an RFC 3339 instant", f"/{name}")
    try:
        found = instant_of(value)
    except NotAnInstant as error:
        raise Malformed(str(error), f"/{name}") from error
    if not _OLDEST <= found < _NEWEST:
        raise Malformed("is not an instant of these centuries", f"/{name}")
    return found


def local_date(source: Object, name: str) -> date | None:
    value = source.get(name)
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Malformed("must be a date", f"/{name}") from error


def record(source: Object, name: str) -> Object | None:
    value = source.get(name)
    if value is not None and not isinstance(value, dict):
        raise Malformed("must be an object", f"/{name}")
    return value


def texts(source: Object, name: str) -> tuple[str, ...]:
    """The non-empty texts of the list under `name`."""
    value = source.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Malformed("must be a list of texts", f"/{name}")
    return tuple(_storable(each)[:TEXT_LENGTH] for each in value if each)


def each(source: Object, name: str, read: Callable[[Object], T]) -> Iterator[T]:
    """Every object of the list under `name`, read; a complaint is given its place."""
    value = source.get(name)
    if value is None:
        return
    if not isinstance(value, list):
        raise Malformed("must be a list", f"/{name}")
    for place, item in enumerate(value):
        try:
            if not isinstance(item, dict):
                raise Malformed("must be an object")
            yield read(item)
        except Malformed as complaint:
            raise complaint.under(f"{name}/{place}") from None


def required(value: T | None, name: str) -> T:
    """The value, which must be there."""
    if value is None:
        raise Malformed("is missing", f"/{name}")
    return value


def microseconds(instant: datetime) -> int:
    """Microseconds since the epoch, exactly (a float of seconds is not)."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def moment(microseconds: int) -> datetime:
    """The instant that lies so many microseconds after the epoch."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
