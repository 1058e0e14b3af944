"""The people inside WooCommerce's bodies. Its core has no field for consent: nothing here says any."""

from datetime import datetime

from services.order_ingest.domain.persons import CustomerSeen, Person
from services.order_ingest.domain.platforms.woocommerce_parts import site_instant
from services.order_ingest.domain.reading import Object, linked_id, microseconds, record, required, text
from services.order_ingest.domain.storefront import Storefront


def order_person(body: Object, region: str | None) -> Person:
    """Whom an order names: `customer_id` is 0 for a guest, and addresses stand in `billing` for everybody."""
    billing, shipping = record(body, "billing") or {}, record(body, "shipping") or {}
    return Person(
        external_id=linked_id(body, "customer_id"),
        email=text(billing, "email"),
        phone=text(billing, "phone"),
        region=_region(billing) or _region(shipping) or region,
        given_name=text(billing, "first_name"),
        family_name=text(billing, "last_name"),
    )


def customer_seen(body: Object, storefront: Storefront, *, fallback_at: datetime) -> CustomerSeen:
    """The description in a customer's body; one that was never changed has no date of change."""
    zone = storefront.time_zone
    said_at = site_instant(body, "date_modified", zone) or site_instant(body, "date_created", zone) or fallback_at
    return CustomerSeen(updated_us=microseconds(said_at), person=_customer(body, storefront.region))


def _customer(body: Object, region: str | None) -> Person:
    billing = record(body, "billing") or {}
    return Person(
        external_id=required(linked_id(body, "id"), "id"),
        email=text(body, "email") or text(billing, "email"),
        phone=text(billing, "phone"),
        region=_region(billing) or region,
        given_name=text(body, "first_name") or text(billing, "first_name"),
        family_name=text(body, "last_name") or text(billing, "last_name"),
    )


def _region(address: Object) -> str | None:
    return text(address, "country", length=2)
