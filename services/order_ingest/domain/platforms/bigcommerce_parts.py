"""What BigCommerce's orders are made of: RFC 2822 times, ids that may be 0, lines, fees, shipments, the person.

Source: developer.bigcommerce.com, "Orders V2": an order, its products, shipments, fees.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.order_ingest.domain.changes import Line, LineQuantity, Movement
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import Person
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor, total
from services.order_ingest.domain.reading import (
    Object,
    each,
    instant,
    integer,
    linked_id,
    own_id,
    record,
    text,
)

WRAPPING: Final = "wrapping"
"""The one line's id for all wrapping of an order: of a refund of wrapping only the product is told."""
_GIFT_CERTIFICATE: Final = "giftcertificate"
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RFC_2822: Final = re.compile(
    r"(?:[A-Z][a-z]{2}, )?([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) ([+-][0-9]{2})([0-9]{2})"
)


@contextmanager
def inside(name: str) -> Iterator[None]:
    """Complaints raised within are given their place below `name`."""
    try:
        yield
    except Malformed as complaint:
        raise complaint.under(name) from None


def rfc2822(source: Object, name: str) -> datetime | None:
    """The instant under `name`, like "Wed, 10 Jan 2018 21:05:30 +0000"; absent and empty are None."""
    value = source.get(name)
    if value is None or value == "":
        return None
    found = _RFC_2822.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[2] not in _MONTHS:
        raise Malformed("must be an RFC 2822 date with a numeric offset", f"/{name}")
    day, month, year, clock, hours, minutes = found.groups()
    return instant({name: f"{year}-{_MONTHS.index(month) + 1:02}-{day:0>2}T{clock}{hours}:{minutes}"}, name)


def line(source: Object, currency: str) -> Line:
    """One of an order's products, without tax and after all of its discounts.

    Options are left alone: among them stands what buyers wrote, as for an engraving.
    """
    before, paid = amount(source, "total_ex_tax", currency), minor(_paid(source), currency, "total_ex_tax")
    return Line(
        external_id=own_id(source),
        product_id=linked_id(source, "product_id"),
        title=text(source, "name") or "-",
        quantity=integer(source, "quantity", least=0),
        unit_price_minor=amount(source, "price_ex_tax", currency),
        total_minor=paid,
        discount_minor=max(0, before - paid),
        tax_minor=amount(source, "total_tax", currency),
        gift_card=text(source, "type") == _GIFT_CERTIFICATE,
        variant=linked_id(source, "variant_id"),
        brand=text(source, "brand"),
    )


def _paid(source: Object) -> Decimal:
    # `total_ex_tax` is before discounts and `total_tax` after them. A discount stands with its tax if prices do, so
    # that it cannot be taken from the amount without tax: what the shopper paid, less the tax in it, can be trusted.
    if source.get("discounted_total_inc_tax") not in (None, ""):
        paid = decimal(source, "discounted_total_inc_tax") - decimal(source, "total_tax")
    else:
        off = total(each(source, "applied_discounts", lambda item: decimal(item, "amount")))
        paid = decimal(source, "total_ex_tax") - off
    return max(paid, Decimal(0))


def fee(source: Object, currency: str) -> Line:
    """One of an order's fees: money like a line's, and not one piece of goods."""
    # The documentation spells the cost without tax in two ways, `cost_ex_tax` and `cost_exc_tax`.
    charged = minor(decimal(source, "cost_inc_tax") - decimal(source, "cost_tax"), currency, "cost_inc_tax")
    title = text(source, "display_name_customer") or text(source, "display_name_merchant")
    return _surcharge(fee_id(own_id(source)), title or "-", charged, amount(source, "cost_tax", currency))


def fee_id(number: str) -> str:
    """The line's id of a fee: fees are counted apart from products."""
    return f"fee:{number}"


def wrapping(order: Object, currency: str) -> Iterator[Line]:
    """What the order's gift wrapping cost, as one line; none if it cost nothing."""
    charged, tax = amount(order, "wrapping_cost_ex_tax", currency), amount(order, "wrapping_cost_tax", currency)
    if charged or tax:
        yield _surcharge(WRAPPING, "Gift wrapping", charged, tax)


def _surcharge(line_id: str, title: str, charged: int, tax: int) -> Line:
    return Line(
        external_id=line_id,
        product_id=None,
        title=title,
        quantity=0,
        unit_price_minor=charged,
        total_minor=charged,
        tax_minor=tax,
    )


def shipment(source: Object, fallback_at: datetime) -> Movement:
    """One parcel, made when it left; nothing says when it arrived."""
    return Movement(
        external_id=own_id(source),
        began_at=rfc2822(source, "date_created") or fallback_at,
        lines=tuple(each(source, "items", _pieces)),
    )


def _pieces(source: Object) -> LineQuantity:
    return LineQuantity(own_id(source, "order_product_id"), integer(source, "quantity", least=0))


def person(order: Object, region: str | None) -> Person:
    """Whom an order names: `customer_id` is 0 for a guest, and the address stands in `billing_address` for everybody.

    `is_email_opt_in` is left alone: nothing says which mails the box at the checkout is about.
    """
    billing = record(order, "billing_address") or {}
    return Person(
        external_id=linked_id(order, "customer_id"),
        email=text(billing, "email"),
        phone=text(billing, "phone"),
        region=text(billing, "country_iso2", length=2) or region,
        given_name=text(billing, "first_name"),
        family_name=text(billing, "last_name"),
        locale=text(order, "customer_locale"),
    )
