"""What WooCommerce's bodies are made of: times without an offset, ids that may be 0, lines, fees, refunds."""

import re
from datetime import UTC, datetime
from html import unescape
from typing import Final
from zoneinfo import ZoneInfo

from services.order_ingest.domain.changes import Line, Refund
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import amount, decimal, minor
from services.order_ingest.domain.reading import Object, instant, integer, linked_id, own_id, text

_NAIVE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")


def site_instant(source: Object, name: str, time_zone: str) -> datetime | None:
    """The instant under `<name>_gmt`, which is UTC; without that, the time under `name` by the site's clock."""
    stated = _as_utc(source, f"{name}_gmt")
    if stated is not None:
        return stated
    local = _as_utc(source, name)
    # Of an hour that happens twice the first is taken; a time that a clock change skips is reckoned with the offset
    # before the change. The body does not say more.
    return local.replace(tzinfo=ZoneInfo(time_zone), fold=0).astimezone(UTC) if local else None


def _as_utc(source: Object, name: str) -> datetime | None:
    value = source.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _NAIVE.fullmatch(value):
        raise Malformed("must be a time without offset, like 2026-05-02T10:15:00", f"/{name}")
    return instant({name: f"{value}Z"}, name)


def line(source: Object, currency: str) -> Line:
    """One of `line_items`: `subtotal` is before and `total` after coupons, both without tax.

    `price` is left alone: it is a float, and `total` divided.
    """
    quantity = integer(source, "quantity", least=0)
    paid = amount(source, "total", currency)
    # Staff may set a total above the subtotal: nothing was taken off then.
    discount = max(0, amount(source, "subtotal", currency) - paid)
    return Line(
        external_id=own_id(source),
        product_id=linked_id(source, "product_id"),
        title=_title(source),
        quantity=quantity,
        # Rounded down: a price of three for 10.00 is a description, never the base of a sum.
        unit_price_minor=(paid + discount) // max(quantity, 1),
        total_minor=paid,
        discount_minor=discount,
        tax_minor=amount(source, "total_tax", currency),
        variant=linked_id(source, "variation_id"),
    )


def fee(source: Object, currency: str) -> Line:
    """One of `fee_lines`, a surcharge or (below zero) a reduction: money like a line's, and not one piece of goods."""
    charged = amount(source, "total", currency)
    return Line(
        external_id=own_id(source),
        product_id=None,
        title=_title(source),
        quantity=0,
        unit_price_minor=charged,
        total_minor=charged,
        tax_minor=amount(source, "total_tax", currency),
    )


def refund(source: Object, currency: str, *, at: datetime) -> Refund:
    """One of an order's `refunds`, which say how much went back and neither when nor for what; `total` is negative."""
    return Refund(
        external_id=own_id(source),
        at=at,
        lines=(),
        shipping_minor=0,
        amount_minor=minor(abs(decimal(source, "total")), currency, "total"),
        reason=text(source, "reason"),
    )


def plain_name(source: Object) -> str | None:
    """The name as it is read: WordPress keeps it as HTML, like "Mug &amp; <b>Spoon</b>"."""
    # Tags first: what is written as "&lt;b&gt;" is meant to be seen.
    return unescape(_TAG.sub("", text(source, "name") or "")).strip() or None


def _title(source: Object) -> str:
    return plain_name(source) or "-"
