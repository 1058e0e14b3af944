"""The people inside our own JSON, and what they said about marketing."""

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import Consent, CustomerSeen, Person
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    flag,
    instant,
    local_date,
    microseconds,
    record,
    required,
    text,
)

_CHANNELS = frozenset({"email", "sms", "whatsapp", "wechat", "push", "phone", "post"})
_CONSENT_STATES = frozenset({"unknown", "pending_double_opt_in", "subscribed", "unsubscribed"})


def person(source: Object) -> Person:
    """Whom the object names; an empty object names nobody."""
    return Person(
        external_id=external_id(source, "id"),
        email=text(source, "email"),
        phone=text(source, "phone"),
        region=text(source, "region", length=2),
        given_name=text(source, "given_name"),
        family_name=text(source, "family_name"),
        locale=text(source, "locale", length=35),
        time_zone=text(source, "time_zone", length=64),
        birth_on=local_date(source, "birth_on"),
        accepts_marketing=flag(source, "accepts_marketing"),
        consents=tuple(each(source, "consents", _consent)),
    )


def somebody(source: Object) -> Person:
    """Whom an event is about; there must be something by which they can be found."""
    named = person(required(record(source, "customer"), "customer"))
    if not (named.external_id or named.email or named.phone):
        raise Malformed("names nobody: id, email or phone is needed", "/customer")
    return named


def consent_seen(source: Object) -> CustomerSeen:
    """What somebody said about one channel, told by itself."""
    named = person(required(record(source, "customer"), "customer"))
    consent = _consent(source)
    return CustomerSeen(
        updated_us=microseconds(consent.at),
        person=Person(
            external_id=named.external_id,
            email=named.email,
            phone=named.phone,
            region=named.region,
            consents=(consent,),
        ),
    )


def _consent(source: Object) -> Consent:
    channel, state = text(source, "channel"), text(source, "state")
    if channel not in _CHANNELS:
        raise Malformed(f"must be one of {', '.join(sorted(_CHANNELS))}", "/channel")
    if state not in _CONSENT_STATES:
        raise Malformed(f"must be one of {', '.join(sorted(_CONSENT_STATES))}", "/state")
    return Consent(
        channel=channel,
        topic=text(source, "topic") or "marketing",
        state=state,
        at=required(instant(source, "at"), "at"),
        source=text(source, "source") or "shop",
        snapshot=flag(source, "snapshot") or False,
        text_version=text(source, "text_version"),
    )
