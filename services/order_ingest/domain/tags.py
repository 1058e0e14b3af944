"""The tags that shops' staff give customers: per store and tag the newest statement holds, in whatever order they come.

Statements live in a customer's description under names of their own: `tag/<store>/<tag>` says whether the customer has
it (its spelling, or nothing), `tags/<store>` when the store last listed all of them. What such a list does not name is
gone if nothing later was said of it, so a statement that is older than the list need not be kept.
"""

from collections.abc import Iterator
from typing import Final

from services.order_ingest.domain.persons import TagsSaid
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.statements import Description, Statement

MOST_TAGS: Final = 250
LONGEST_TAG: Final = 255
MOST_STATEMENTS: Final = 500
"""Of one store, the newest: what is older than these is given up, lists of all tags apart."""
_TAG: Final = "tag/"
_LIST: Final = "tags/"
_LISTED, _ACTED = 0, 1
"""Of one instant, what was done to a tag outranks what a list says of it."""


def is_of_tags(name: str) -> bool:
    """True if a statement of this name is about tags, not a field of the customer."""
    return "/" in name


def statements(said: TagsSaid, store_no: int) -> dict[str, Statement]:
    """What was said, one statement a tag; case does not tell tags apart."""
    at_us, rank = microseconds(said.at), _LISTED if said.is_all else _ACTED
    found = {_name(tag, store_no): Statement(at_us, rank, "") for tag in said.removed}
    found |= {_name(tag, store_no): Statement(at_us, rank, tag) for tag in said.held}
    if said.is_all:
        found[f"{_LIST}{store_no}"] = Statement(at_us, rank, "")
    return found


def without_bygones(description: Description) -> Description:
    """The description without statements about tags that no later one could bring back."""
    bygones = {name for store in _stores(description) for name in _bygones(description, store)}
    return {name: said for name, said in description.items() if name not in bygones} if bygones else description


def held(description: Description) -> tuple[str, ...]:
    """The customer's tags in any store, by their letters, at most 250; of two spellings the later."""
    found: dict[str, Statement] = {}
    for name, said in description.items():
        if name.startswith(_TAG) and said.value:
            tag = said.value.casefold()
            found[tag] = max(said, found.get(tag, said))
    return tuple(found[tag].value for tag in sorted(found)[:MOST_TAGS])


def _name(tag: str, store_no: int) -> str:
    return f"{_TAG}{store_no}/{tag.casefold()}"


def _stores(description: Description) -> set[str]:
    return {name.split("/")[1] for name in description if is_of_tags(name)}


def _bygones(description: Description, store: str) -> Iterator[str]:
    listed = description.get(f"{_LIST}{store}")
    about = [name for name in description if name.startswith(f"{_TAG}{store}/")]
    newest = sorted(about, key=lambda name: (description[name], name), reverse=True)
    for place, name in enumerate(newest):
        if place >= MOST_STATEMENTS or (listed is not None and description[name].at_us < listed.at_us):
            yield name
