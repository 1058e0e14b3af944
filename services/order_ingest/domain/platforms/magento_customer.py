"""The people inside Magento's orders. An order has no field for consent: nothing here says any."""

from datetime import date

from services.order_ingest.domain.persons import Person
from services.order_ingest.domain.platforms.magento_parts import flag_of, inner
from services.order_ingest.domain.reading import Object, each, linked_id, local_date, text


def order_person(body: Object, region: str | None) -> Person:
    """Whom an order names: a guest has no id, and names and telephone in the billing address."""
    billing = inner(body, "billing_address")
    return Person(
        external_id=None if flag_of(body, "customer_is_guest") else linked_id(body, "customer_id"),
        email=text(body, "customer_email") or text(billing, "email"),
        phone=text(billing, "telephone"),
        region=_country(billing) or _country(_shipping_address(body)) or region,
        given_name=text(body, "customer_firstname") or text(billing, "firstname"),
        family_name=text(body, "customer_lastname") or text(billing, "lastname"),
        birth_on=_birth(body),
    )


def _birth(body: Object) -> date | None:
    # A date with a time of nothing behind it; MySQL's date of nothing is none.
    stated = text(body, "customer_dob")
    if stated is None or stated.startswith("0000-00-00"):
        return None
    return local_date({"customer_dob": stated.removesuffix(" 00:00:00")}, "customer_dob")


def _shipping_address(body: Object) -> Object:
    """The address of the first of the order's shipments, which are under its extension attributes."""
    found = each(
        inner(body, "extension_attributes"),
        "shipping_assignments",
        lambda assignment: inner(inner(assignment, "shipping"), "address"),
    )
    return next(found, {})


def _country(address: Object) -> str | None:
    return text(address, "country_id", length=2)
