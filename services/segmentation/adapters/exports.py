"""All that segmentation keeps about a customer, under every id that was merged with theirs."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, text

from libs.servicekit.data_export import Kept, rows_of
from libs.servicekit.unit_of_work import UnitOfWork
from services.segmentation.adapters.load_sql import FAMILIES

_KNOWN = text("SELECT true FROM customer WHERE merchant_no = :merchant_no AND customer_id = :customer_id")
# A month is stored as its number since year 0.
_MONTH = "to_char(make_date(month / 12, month % 12 + 1, 1), 'YYYY-MM') AS month"
# The customers are given one by one: each is probed for, whatever the statistics say.
_EACH = "unnest(CAST(:customers AS uuid[])) k(customer_id)"
_CUSTOMERS = text(
    f"""
    SELECT c.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, identity_version, anonymous, store_id, time_zone, locale, registered_at, erased_at,
               merged_into, merged_version, orders, items, spend_minor, foreign_orders, discounted_orders, refunds,
               refunded_minor, first_order_at, last_order_at, first_qualifying_at, second_qualifying_at
        FROM customer WHERE merchant_no = :merchant_no AND customer_id = k.customer_id OFFSET 0
    ) c
    """  # noqa: S608 - the fragments are constants of this module
)
_ORDERS = text(
    f"""
    SELECT o.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, buyer_id, order_id, store_id, version, edited, placed_at, {_MONTH}, currency, goods_minor,
               items, discounted, gift_card_lines, fx_to, fx_rate, spend_minor, cancelled_at, deleted_at, refunded_at
        FROM customer_order WHERE customer_id = k.customer_id AND merchant_no = :merchant_no
        ORDER BY placed_at, order_id OFFSET 0
    ) o
    """  # noqa: S608 - the fragments are constants of this module
)
_REFUNDS = text(
    f"""
    SELECT r.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT order_id FROM customer_order WHERE customer_id = k.customer_id AND merchant_no = :merchant_no
        ORDER BY placed_at, order_id OFFSET 0
    ) o CROSS JOIN LATERAL (
        SELECT order_id, refund_id, version, at, currency, amount_minor, goods, completes, goods_back_minor,
               money_back_minor
        FROM order_refund WHERE merchant_no = :merchant_no AND order_id = o.order_id ORDER BY at, refund_id OFFSET 0
    ) r
    """  # noqa: S608 - the fragments are constants of this module
)
_MONTHS = text(
    f"""
    SELECT m.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, {_MONTH}, orders, spend_minor FROM customer_month c
        WHERE merchant_no = :merchant_no AND customer_id = k.customer_id ORDER BY c.month OFFSET 0
    ) m
    """  # noqa: S608 - the fragments are constants of this module
)
_TIMELINE = text(
    f"""
    SELECT t.* FROM {_EACH} CROSS JOIN LATERAL (
        SELECT customer_id, at, entry_id, kind, order_id, details FROM timeline
        WHERE merchant_no = :merchant_no AND customer_id = k.customer_id ORDER BY at, entry_id OFFSET 0
    ) t
    """  # noqa: S608 - the fragments are constants of this module
)
_SEGMENTS = text(
    f"""
    SELECT s.customer_id, g.segment_id, g.name, s.version, s.entered_at, s.entered_by, s.left_at, s.left_by
    FROM {_EACH} CROSS JOIN LATERAL (
        SELECT segment_id, name FROM segment WHERE merchant_no = :merchant_no ORDER BY name OFFSET 0
    ) g CROSS JOIN LATERAL (
        SELECT * FROM segment_stay WHERE segment_id = g.segment_id AND customer_id = k.customer_id
            AND merchant_no = :merchant_no ORDER BY entered_at, entered_by OFFSET 0
    ) s
    """  # noqa: S608 - the fragments are constants of this module
)
_THINGS: Final[dict[str, TextClause]] = {
    "customers": _CUSTOMERS,
    "orders": _ORDERS,
    "refunds": _REFUNDS,
    "months": _MONTHS,
    "timeline": _TIMELINE,
    "segments": _SEGMENTS,
}


async def gather(snapshot: UnitOfWork, merchant_no: int, customer_id: UUID) -> Kept:
    """What is kept, by the names of its things; nothing about a customer never heard of."""
    if not await snapshot.connection.scalar(_KNOWN, {"merchant_no": merchant_no, "customer_id": customer_id}):
        return {}
    named = {"merchants": [merchant_no], "customers": [customer_id]}
    family = [row.customer_id for row in await snapshot.connection.execute(FAMILIES, named)]
    keys: dict[str, Any] = {"merchant_no": merchant_no, "customers": sorted(family)}
    return await rows_of(snapshot, _THINGS, keys)
