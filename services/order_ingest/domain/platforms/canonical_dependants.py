"""Those whom customers care for, in our own JSON, translated."""

from datetime import date
from typing import Final

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import DependantSeen
from services.order_ingest.domain.platforms.canonical_customer import somebody
from services.order_ingest.domain.reading import Object, flag, instant, local_date, own_id, required, text

_SEXES: Final = frozenset({"female", "male"})
_OLDEST, _NEWEST = date(1900, 1, 1), date(2200, 1, 1)
_NICKNAME_LENGTH: Final = 60


def dependant(source: Object) -> DependantSeen:
    """One statement about a dependant: the whole of it, or that it is to be kept no longer."""
    external_id, at, customer = own_id(source), required(instant(source, "at"), "at"), somebody(source)
    if flag(source, "removed"):
        return DependantSeen(external_id=external_id, at=at, person=customer, removed=True)
    birth_on, due_on = _date(source, "birth_on"), _date(source, "due_on")
    if birth_on is None and due_on is None:
        raise Malformed("is missing: birth_on, or due_on before the birth", "/birth_on")
    return DependantSeen(
        external_id=external_id,
        at=at,
        person=customer,
        nickname=text(source, "nickname", length=_NICKNAME_LENGTH),
        birth_on=birth_on,
        due_on=None if birth_on else due_on,
        sex=_sex(source),
    )


def _date(source: Object, name: str) -> date | None:
    found = local_date(source, name)
    if found is not None and not _OLDEST <= found < _NEWEST:
        raise Malformed("is not a date of these centuries", f"/{name}")
    return found


def _sex(source: Object) -> str | None:
    found = text(source, "sex")
    if found is not None and found not in _SEXES:
        raise Malformed(f"must be one of {', '.join(sorted(_SEXES))}", "/sex")
    return found
