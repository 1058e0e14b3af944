"""What platforms' lists of hooks have in common: rows on pages, and what of a row is of use."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from services.order_ingest.application.store_apis import ApiAway, ApiRefuses, Subscription

MOST_PAGES: Final = 10
_MOST_ROWS: Final = 250
_LONGEST_TOPIC: Final = 200
_LONGEST_ADDRESS: Final = 2000


def rows_of(found: Any) -> Sequence[Mapping[str, Any]]:
    """The rows of a list, as it came.

    Raises:
        ApiAway: it is no list of objects.
        ApiRefuses: it is longer than any page that is asked for.
    """
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ApiAway("the answer has no rows")
    if len(found) > _MOST_ROWS:
        raise ApiRefuses(f"more than {_MOST_ROWS} hooks on a page")
    return found


def member(found: Any, name: str) -> Any:
    """What stands under the name in an object; None where there is no such thing."""
    return found.get(name) if isinstance(found, dict) else None


def subscription(*, topic: Any, address: Any, active: bool) -> Subscription:
    """The hook, whatever its row holds; an address that is too long to be one of ours is left away."""
    # A database keeps no NUL and no half of a pair: of a topic stays what can be printed.
    shown = "".join(filter(str.isprintable, topic[:_LONGEST_TOPIC])) if isinstance(topic, str) else ""
    is_address = isinstance(address, str) and len(address) <= _LONGEST_ADDRESS
    return Subscription(topic=shown, address=address if is_address else "", active=active)


async def all_pages(
    page: Callable[[int], Awaitable[tuple[Sequence[Subscription], bool]]],
) -> Sequence[Subscription]:
    """The hooks of all pages; `page` gives those of a number, which begins with 1, and whether there are more behind.

    Raises:
        ApiRefuses: there seems to be no end.
    """
    found: list[Subscription] = []
    for number in range(1, MOST_PAGES + 1):
        hooks, has_more = await page(number)
        found += hooks
        if not has_more:
            return found
    raise ApiRefuses(f"more than {MOST_PAGES} pages of hooks")
