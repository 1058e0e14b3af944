"""Subscriptions in our own JSON, translated: what is paid for how often, and who gets it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.persons import Person
from services.order_ingest.domain.platforms.canonical_customer import person
from services.order_ingest.domain.reading import Object, external_ids, instant, own_id, record, required, text

_MOST_PRODUCTS: Final = 100
# Source: ISO 8601-1, 5.5.2: weeks stand alone. Hours are left out: nobody is sent goods by the hour.
_INTERVAL: Final = re.compile(r"P(?:[0-9]{1,4}W|(?=[0-9])(?:[0-9]{1,4}Y)?(?:[0-9]{1,4}M)?(?:[0-9]{1,4}D)?)")


def with_parties(found: Happening, source: Object) -> Happening:
    """The happening with its subscription, the products in it and who gets them."""
    return replace(
        found,
        subscription_external_id=own_id(source, "subscription_id"),
        product_external_ids=external_ids(source, "product_ids", most=_MOST_PRODUCTS),
        recipient=_recipient(source),
    )


def _recipient(source: Object) -> Person | None:
    found = record(source, "recipient") or {}
    try:
        named = person(found)
    except Malformed as complaint:
        raise complaint.under("recipient") from None
    return None if named == Person() else named


def _going_on(source: Object) -> Mapping[str, Any]:
    return {"interval": required(_interval(source), "interval"), "next_at": instant(source, "next_at")}


def _over(source: Object) -> Mapping[str, Any]:
    return {"interval": _interval(source), "reason": text(source, "reason")}


def _interval(source: Object) -> str | None:
    found = text(source, "interval")
    if found is not None and (not _INTERVAL.fullmatch(found) or not re.search("[1-9]", found)):
        raise Malformed("must be an ISO 8601 duration of days, weeks, months or years, such as P1M", "/interval")
    return found


WORDS: Final[Mapping[str, Callable[[Object], Mapping[str, Any]]]] = {
    "subscription.started": _going_on,
    "subscription.renewed": _going_on,
    "subscription.ended": _over,
}
"""By kind: what it says of itself."""
