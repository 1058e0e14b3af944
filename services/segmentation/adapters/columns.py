"""Rows as columns, one list per field, as set-based statements take them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from services.segmentation.application.workspace import MonthSums, Registration, Shop, Store
from services.segmentation.domain.profile import Customer
from services.segmentation.domain.segment import Segment, Stay

Columns = dict[str, list[Any]]


def transposed(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Columns:
    """The rows' fields in the order of `names`."""
    kept = list(rows)
    if not kept:
        return {name: [] for name in names}
    return dict(zip(names, map(list, zip(*kept, strict=True)), strict=True))


def registrations(rows: Sequence[tuple[Shop, Registration]]) -> Columns:
    """Columns of REGISTER_MERCHANTS."""
    names = ("merchants", "names", "time_zones", "currencies", "registered")
    return transposed(names, [(shop.merchant_no, r.name, r.time_zone, r.currency, r.registered_at) for shop, r in rows])


def segments(rows: Sequence[tuple[Shop, Segment]]) -> Columns:
    """Columns of NEW_SEGMENTS; a first version is in force since the merchant exists."""
    names = ("merchants", "segments", "names", "versions", "rules", "effective")
    return transposed(
        names,
        [
            (shop.merchant_no, s.segment_id, s.name, s.version, json.dumps(s.rule), shop.registration.registered_at)
            for shop, s in rows
            if shop.registration is not None
        ],
    )


def stores(rows: Sequence[tuple[Shop, Store]]) -> Columns:
    """Columns of STORES."""
    names = ("merchants", "stores", "versions", "platforms", "accounts", "sites", "names", "currencies", "time_zones")
    return transposed(
        names,
        [
            (no.merchant_no, s.store_id, s.version, s.platform, s.account, s.site, s.name, s.currency, s.time_zone)
            for no, s in rows
        ],
    )


def aliases(rows: Sequence[tuple[int, UUID, UUID]]) -> Columns:
    """Columns of the MOVE_ statements."""
    return transposed(("merchants", "absorbed", "survivors"), rows)


def followed(rows: Sequence[tuple[int, UUID, UUID, UUID]]) -> Columns:
    """Columns of FOLLOW_ORDERS."""
    return transposed(("merchants", "orders", "from", "to"), rows)


def months(shops: Sequence[Shop]) -> Columns:
    """Columns of MONTHS: what the batch adds, by whoever owns it in the end; nothing where it adds up to nothing."""
    added: dict[tuple[int, UUID, int], MonthSums] = {}
    for shop in shops:
        for (customer_id, month), sums in shop.months.items():
            total = added.setdefault((shop.merchant_no, shop.owner(customer_id), month), MonthSums())
            total.orders += sums.orders
            total.spend_minor += sums.spend_minor
    names = ("merchants", "customers", "months", "orders", "spend")
    return transposed(
        names, [(*key, s.orders, s.spend_minor) for key, s in sorted(added.items()) if s.orders or s.spend_minor]
    )


_CUSTOMER = (
    "merchants",
    "customers",
    "identity_versions",
    "anonymous",
    "stores",
    "time_zones",
    "locales",
    "registered",
    "erased",
    "merged_into",
    "merged_versions",
    "orders",
    "items",
    "spend",
    "foreign",
    "discounted",
    "refunds",
    "refunded",
    "first",
    "last",
    "first_qualifying",
    "second_qualifying",
    "masks",
)


def customers(rows: Sequence[tuple[Shop, Customer]]) -> Columns:
    """Columns of CUSTOMERS."""
    return transposed(_CUSTOMER, [_customer(shop, customer) for shop, customer in rows])


def _customer(shop: Shop, customer: Customer) -> tuple[Any, ...]:
    counters, edges = customer.counters, customer.edges
    return (
        shop.merchant_no,
        customer.customer_id,
        customer.identity_version,
        customer.anonymous,
        customer.store_id,
        customer.time_zone,
        customer.locale,
        customer.registered_at,
        customer.erased_at,
        customer.merged_into,
        customer.merged_version,
        counters.orders,
        counters.items,
        counters.spend_minor,
        counters.foreign_orders,
        counters.discounted_orders,
        counters.refunds,
        counters.refunded_minor,
        edges.first_order_at,
        edges.last_order_at,
        edges.first_qualifying_at,
        edges.second_qualifying_at,
        customer.month_mask,
    )


def entries(shops: Sequence[Shop]) -> Columns:
    """Columns of ENTRIES: an order's entries stand with the order's owner, others with whom the id stands for."""
    rows: list[tuple[Any, ...]] = []
    for shop in shops:
        for entry in shop.entries.values():
            order = shop.orders.get(entry.order_id) if entry.order_id is not None else None
            owner = shop.owner(entry.customer_id if order is None else order.owner_id)
            details = json.dumps(entry.details, separators=(",", ":"))
            rows.append((shop.merchant_no, owner, entry.at, entry.entry_id, entry.kind, entry.order_id, details))
    rows.sort(key=lambda row: row[:4])
    return transposed(("merchants", "customers", "ats", "entries", "kinds", "orders", "details"), rows)


def ended_stays(rows: Sequence[tuple[Shop, Stay]]) -> Columns:
    """Columns of END_STAYS."""
    names = ("merchants", "segments", "customers", "entered_by", "lefts", "left_by")
    return transposed(
        names,
        sorted((no.merchant_no, s.segment_id, s.customer_id, s.entered_by, s.left_at, s.left_by) for no, s in rows),
    )


def new_stays(rows: Sequence[tuple[Shop, Stay]]) -> Columns:
    """Columns of NEW_STAYS; a stay may have ended in the batch that it began in."""
    names = ("merchants", "segments", "customers", "entered_by", "versions", "entered", "lefts", "left_by")
    ordered = sorted(rows, key=lambda row: (row[0].merchant_no, row[1].segment_id, row[1].customer_id))
    return transposed(
        names,
        [
            (no.merchant_no, s.segment_id, s.customer_id, s.entered_by, s.version, s.entered_at, s.left_at, s.left_by)
            for no, s in ordered
        ],
    )
