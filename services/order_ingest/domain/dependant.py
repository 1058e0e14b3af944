"""A dependant of a customer: of all statements about it the newest holds, in whatever order they come."""

from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID


class DependantMark(NamedTuple):
    """The newest statement about one dependant; of two at one instant the removal wins, then the larger hash."""

    at_us: int
    removed: bool
    body_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependant:
    """One dependant of one store, without what is personal; `told` stands for all that was last said of it.

    `version` counts what was said, so that who hears two statements knows the later one, even of one instant.
    """

    dependant_id: UUID
    mark: DependantMark
    told: str
    version: int = 1


def see(known: Dependant | None, seen: Dependant) -> Dependant:
    """The dependant after a statement, with a new version if that is news; the same object if an older one came late.

    The mark moves even if nothing else differs: a statement from in between must find that it is too late.
    """
    if known is None:
        return seen
    if seen.mark <= known.mark:
        return known
    news = seen.told != known.told
    return replace(known, mark=seen.mark, told=seen.told, version=known.version + news)
