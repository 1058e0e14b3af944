"""The people inside Shopify's bodies, and what they said about marketing."""

import re
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import Consent, CustomerSeen, CustomersJoined, Person
from services.order_ingest.domain.reading import (
    Object,
    external_id,
    flag,
    instant,
    microseconds,
    record,
    required,
    text,
)

_STATES: Final = {
    "subscribed": "subscribed",
    "unsubscribed": "unsubscribed",
    "redacted": "unsubscribed",
    "invalid": "unsubscribed",
    "pending": "pending_double_opt_in",
}
"""Shopify's states that say something; `not_subscribed` says that nobody was ever asked."""
_GLOBAL_ID: Final = re.compile(r"gid://shopify/Customer/([0-9]{1,20})")
_MERGED: Final = "completed"


def customer(body: Object, region: str | None) -> Person:
    """The description in a customers/* body."""
    address = record(body, "default_address") or {}
    return Person(
        external_id=required(external_id(body, "id"), "id"),
        email=text(body, "email"),
        # The address's phone may be a recipient's: it never identifies the customer.
        phone=text(body, "phone"),
        region=_region(address) or region,
        given_name=text(body, "first_name"),
        family_name=text(body, "last_name"),
        locale=text(body, "locale", length=35),
        accepts_marketing=_accepts(body),
        consents=_consents(body),
    )


def order_person(body: Object, region: str | None) -> Person:
    """Whom an order names: `customer` is null for a guest, and the e-mail may stand in three places."""
    inner = record(body, "customer") or {}
    billing, shipping = record(body, "billing_address") or {}, record(body, "shipping_address") or {}
    return Person(
        external_id=external_id(inner, "id"),
        email=text(body, "email") or text(body, "contact_email") or text(inner, "email"),
        phone=text(body, "phone") or text(inner, "phone"),
        region=_region(billing) or _region(shipping) or region,
        given_name=text(inner, "first_name") or text(billing, "first_name"),
        family_name=text(inner, "last_name") or text(billing, "last_name"),
        locale=text(body, "customer_locale", length=35),
        accepts_marketing=_accepts(inner),
        consents=_consents(inner),
    )


def consent_update(body: Object, channel: str, at: datetime) -> CustomerSeen:
    """What the customer said about one channel; the e-mail topic names them `customer_id`, the SMS topic `id`."""
    name = "email_marketing_consent" if channel == "email" else "sms_marketing_consent"
    inner = required(record(body, name), name)
    consent = _consent(inner, channel, snapshot=False, fallback_at=at)
    external = external_id(body, "customer_id") or external_id(body, "id")
    said_at = consent.at if consent else at
    return CustomerSeen(
        updated_us=microseconds(said_at),
        person=Person(
            external_id=required(external, "customer_id"),
            email=text(body, "email_address"),
            phone=text(body, "phone"),
            consents=(consent,) if consent else (),
        ),
    )


def merge(body: Object) -> CustomersJoined | Unheeded:
    """Two customers that Shopify has made one; a merge that failed or is under way changes nothing.

    Source: shopify.dev, "Webhooks", topic customers/merge; its `status` is that of a CustomerMergeRequest.
    """
    status = (text(body, "status", length=40) or "").lower()
    if status != _MERGED:
        return Unheeded("ignored", f"two customers were not merged: {status or 'no status'}")
    kept = customer_number(body, "admin_graphql_api_customer_kept_id")
    absorbed = customer_number(body, "admin_graphql_api_customer_deleted_id")
    if kept == absorbed:
        raise Malformed("is the customer that was kept", "/admin_graphql_api_customer_deleted_id")
    return CustomersJoined(kept_external_id=kept, absorbed_external_id=absorbed)


def customer_number(source: Object, name: str) -> str:
    """The number in a global id: the other bodies name the customer by it."""
    found = _GLOBAL_ID.fullmatch(required(text(source, name), name))
    if found is None:
        raise Malformed("must be gid://shopify/Customer/ and a number", f"/{name}")
    return found[1]


def _accepts(source: Object) -> bool | None:
    inner = record(source, "email_marketing_consent")
    state = text(inner, "state") if inner else None
    return state == "subscribed" if state in _STATES else flag(source, "accepts_marketing")


def _consents(source: Object) -> tuple[Consent, ...]:
    """The present states that customer objects carried before API version 2025-01."""
    found = []
    for channel in ("email", "sms"):
        inner = record(source, f"{channel}_marketing_consent")
        consent = _consent(inner, channel, snapshot=True, fallback_at=None) if inner else None
        if consent is not None:
            found.append(consent)
    if not found and (accepted_at := instant(source, "accepts_marketing_updated_at")):
        state = "subscribed" if flag(source, "accepts_marketing") else "unsubscribed"
        found.append(_statement("email", state, accepted_at, "shopify", snapshot=True))
    return tuple(found)


def _consent(source: Object, channel: str, *, snapshot: bool, fallback_at: datetime | None) -> Consent | None:
    state = text(source, "state")
    if state is None or state == "not_subscribed":
        return None
    if state not in _STATES:
        raise Malformed("is no state of consent", f"/{channel}_marketing_consent/state")
    at = instant(source, "consent_updated_at") or fallback_at
    if at is None:
        return None
    collected = text(source, "consent_collected_from") or "shopify"
    return _statement(channel, _STATES[state], at, collected, snapshot=snapshot)


def _statement(channel: str, state: str, at: datetime, source: str, *, snapshot: bool) -> Consent:
    return Consent(channel=channel, topic="marketing", state=state, at=at, source=source.lower(), snapshot=snapshot)


def _region(address: Object) -> str | None:
    return text(address, "country_code", length=2)
