"""The buyer of an Amazon order.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "Buyer", "CustomerAddress"; "Access Orders PII".
The address is an alias that Amazon makes for the buyer: it tells buyers apart and is nothing to advertise to, so no
consent and no marketing flag follow from it. It is there for orders that the merchant sends, and only for apps with
the roles for it: the other orders name nobody.
"""

from typing import Final

from services.order_ingest.domain.persons import Person
from services.order_ingest.domain.reading import Object, record, text

_FIRST_WRITTEN_FAMILY_FIRST: Final = "\u3000"


def order_person(body: Object, region: str | None) -> Person:
    """Whom the order names: the alias, the name, and a phone if the parcel goes to the buyer."""
    buyer = record(body, "buyer") or {}
    address = record(record(body, "recipient") or {}, "deliveryAddress") or {}
    name = text(buyer, "buyerName") or ""
    given_name, family_name = _names(name)
    return Person(
        email=text(buyer, "buyerEmail"),
        phone=_phone(address, name),
        region=text(address, "countryCode", length=2) or region,
        given_name=given_name,
        family_name=family_name,
    )


def _names(name: str) -> tuple[str | None, str | None]:
    """Given and family name: divided at the first space; Chinese and Japanese names have the family first."""
    first, _, rest = name.partition(" ")
    if rest and name >= _FIRST_WRITTEN_FAMILY_FIRST:
        first, rest = rest, first
    return first or None, rest or None


def _phone(address: Object, buyer_name: str) -> str | None:
    """The parcel's phone: none if the parcel goes to somebody else, nor one of Amazon's own with an extension, behind
    which many buyers stand."""
    found, recipient = text(address, "phone"), text(address, "name") or ""
    if found is None or not buyer_name or recipient.casefold() != buyer_name.casefold():
        return None
    return None if "ext" in found.lower() else found
