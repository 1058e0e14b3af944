"""What customers say and do besides ordering, in our own JSON: one row per kind says which words it has."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from libs.kernel.money import UnknownCurrency, exponent
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.platforms import canonical_subscriptions as subscriptions
from services.order_ingest.domain.platforms.canonical_customer import somebody
from services.order_ingest.domain.reading import (
    MAX_MINOR,
    Object,
    external_id,
    flag,
    instant,
    integer,
    local_date,
    own_id,
    record,
    required,
    text,
)

VISITS: Final = "visits.reported"
_LONG_TEXT: Final = 4_000
_MOST_PROPERTIES: Final = 20
_PROPERTY_LENGTH: Final = 200
_SENTIMENTS: Final = frozenset({"positive", "neutral", "negative"})


def happening(kind: str, source: Object) -> Happening:
    """What happened; `kind` is one of KINDS."""
    if kind == VISITS:
        return _visits(source)
    found = Happening(
        kind=kind,
        external_id=own_id(source),
        at=required(instant(source, "at"), "at"),
        person=somebody(source),
        words=_WORDS[kind](source),
        order_external_id=external_id(source, "order_id"),
        product_external_id=external_id(source, "product_id"),
        conversation_external_id=external_id(source, "conversation_id"),
        private=text(source, "text", length=_LONG_TEXT) if kind == _MESSAGE else None,
    )
    return subscriptions.with_parties(found, source) if kind in subscriptions.WORDS else found


def _visits(source: Object) -> Happening:
    day, count = required(local_date(source, "day"), "day"), integer(source, "count", least=0)
    at = required(instant(source, "at"), "at")
    # A day's number is corrected by another report: only the same number again is the same report.
    return Happening(kind=VISITS, external_id=f"{day}/{count}", at=at, person=None, words={"day": day, "count": count})


def _opinion(source: Object) -> Mapping[str, Any]:
    rating = integer(source, "rating", least=1) if source.get("rating") is not None else None
    if rating is not None and rating > 5:
        raise Malformed("must be from 1 to 5", "/rating")
    sentiment = text(source, "sentiment")
    if sentiment is not None and sentiment not in _SENTIMENTS:
        raise Malformed(f"must be one of {', '.join(sorted(_SENTIMENTS))}", "/sentiment")
    words = text(source, "text", length=_LONG_TEXT)
    return {"rating": rating, "sentiment": sentiment, "text": words, "verified": flag(source, "verified")}


def _contact(source: Object) -> Mapping[str, Any]:
    return {"channel": required(text(source, "channel", length=40), "channel"), "topic": text(source, "topic")}


def _social(source: Object) -> Mapping[str, Any]:
    return {
        "channel": required(text(source, "channel", length=40), "channel"),
        "action": required(text(source, "action", length=40), "action"),
        "proof": text(source, "proof"),
    }


def _event(source: Object) -> Mapping[str, Any]:
    return {"name": required(text(source, "name", length=100), "name"), "properties": _properties(source)}


def _checkout(source: Object) -> Mapping[str, Any]:
    total = integer(source, "total_minor", least=0) if source.get("total_minor") is not None else None
    currency = text(source, "currency")
    if total is not None or currency is not None:
        try:
            exponent(required(currency, "currency"))
        except UnknownCurrency as error:
            raise Malformed("must be an ISO 4217 code", "/currency") from error
    return {"total_minor": total, "currency": currency, "properties": _properties(source)}


def _properties(source: Object) -> Mapping[str, str | int | bool]:
    found = record(source, "properties") or {}
    if len(found) > _MOST_PROPERTIES:
        raise Malformed(f"has more than {_MOST_PROPERTIES} members", "/properties")
    return {name[:_PROPERTY_LENGTH]: _property(found, name) for name in sorted(found) if found[name] is not None}


def _property(source: Object, name: str) -> str | int | bool:
    value = source[name]
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) <= MAX_MINOR):
        return value
    if isinstance(value, str):
        return text(source, name, length=_PROPERTY_LENGTH) or ""
    raise Malformed("must be text, a whole number, true or false", f"/properties/{name[:60]}")


_MESSAGE: Final = "buyer_message.received"
_WORDS: Final[Mapping[str, Callable[[Object], Mapping[str, Any]]]] = {
    "review.posted": _opinion,
    "feedback.received": _opinion,
    _MESSAGE: _contact,
    "ticket.opened": _contact,
    "ticket.resolved": _contact,
    "social_action.performed": _social,
    "customer_event.recorded": _event,
    "checkout.started": _checkout,
    **subscriptions.WORDS,
}
KINDS: Final = frozenset({*_WORDS, VISITS})
