"""The people inside Shoplazza's bodies, and what they said about marketing.

Source: shoplazza.dev, "Order Properties", "Customer List". `subscribed_flag` and `sms_subscribed_flag` are numbers
whose meaning nobody published: they are left alone.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.order_ingest.domain.persons import Consent, Person
from services.order_ingest.domain.reading import Object, external_id, flag, record, required, text

_CHANNELS: Final = (("email", "accepts_marketing"), ("sms", "accepts_sms_marketing"))


def customer(body: Object, at: datetime, region: str | None) -> Person:
    """The description in a customers/* body; its consents are the shop's present state, as of `at`."""
    return Person(
        external_id=required(external_id(body, "id"), "id"),
        email=text(body, "email"),
        # The address's phone may be a recipient's: it never identifies the customer.
        phone=text(body, "phone"),
        region=_region(record(body, "default_address") or {}) or region,
        given_name=text(body, "first_name"),
        family_name=text(body, "last_name"),
        accepts_marketing=flag(body, "accepts_marketing"),
        consents=tuple(_consents(body, at)),
    )


def order_person(body: Object, region: str | None) -> Person:
    """Whom an order names: the customer, or for a guest the address that the checkout asked for."""
    inner = record(body, "customer") or {}
    billing, shipping = record(body, "billing_address") or {}, record(body, "shipping_address") or {}
    customer_id = external_id(inner, "id")
    # Beside a customer an address's e-mail may be a recipient's; only of a guest it is all there is.
    guest = None if customer_id else text(shipping, "email") or text(billing, "email")
    return Person(
        external_id=customer_id,
        email=text(inner, "email") or guest,
        phone=text(inner, "phone"),
        region=_region(billing) or _region(shipping) or region,
        given_name=text(inner, "first_name") or text(billing, "first_name"),
        family_name=text(inner, "last_name") or text(billing, "last_name"),
        accepts_marketing=flag(inner, "accepts_marketing"),
    )


def _consents(body: Object, at: datetime) -> Iterator[Consent]:
    for channel, name in _CHANNELS:
        accepted = flag(body, name)
        if accepted is not None:
            state = "subscribed" if accepted else "unsubscribed"
            yield Consent(channel=channel, topic="marketing", state=state, at=at, source="shoplazza", snapshot=True)


def _region(address: Object) -> str | None:
    return text(address, "country_code", length=2)
