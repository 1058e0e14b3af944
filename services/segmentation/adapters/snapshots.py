# ruff: noqa: S608 - statements are put together from this package's constants; every value is bound
"""Customers' figures as relations: the maintained rows for all that is known, or as they were at an instant.

Both relations of a pair have the same columns, so that a measure is written once. What held at an instant is what is
known now but for the customers to whom something happened since: only these are counted again from their orders.
"""

from datetime import datetime
from typing import Any, Final

# Customers of whom another order, cancellation or refund was dated later than :as_of. What was deleted never was.
_SINCE = """
    affected AS MATERIALIZED (
        SELECT customer_id FROM customer WHERE merchant_no = :merchant AND last_order_at > :as_of
        UNION
        SELECT customer_id FROM customer_order
        WHERE merchant_no = :merchant AND cancelled_at > :as_of AND cancelled_at IS NOT NULL AND placed_at <= :as_of
        UNION
        SELECT o.customer_id FROM order_refund r JOIN customer_order o USING (merchant_no, order_id)
        WHERE r.merchant_no = :merchant AND r.at > :as_of
    )"""
# Their orders that counted at :as_of.
_COUNTED = """
    affected a
    JOIN customer c ON c.merchant_no = :merchant AND c.customer_id = a.customer_id
    JOIN customer_order o ON o.merchant_no = :merchant AND o.customer_id = a.customer_id
     AND o.placed_at <= :as_of AND o.deleted_at IS NULL AND (o.cancelled_at IS NULL OR o.cancelled_at > :as_of)"""
_UNAFFECTED = """
    customer c WHERE merchant_no = :merchant
      AND NOT EXISTS (SELECT 1 FROM affected a WHERE a.customer_id = c.customer_id)"""

# What had gone back by :as_of, by order. int8 again: numeric arithmetic for every order would cost most of the query.
GIVEN_BACK: Final = """
    SELECT order_id, count(*) AS n, CAST(sum(goods_back_minor) AS int8) AS goods,
           CAST(sum(money_back_minor) AS int8) AS money
    FROM order_refund WHERE merchant_no = :merchant AND at <= :as_of GROUP BY order_id"""

_COLUMNS = """customer_id, anonymous, orders, items, spend_minor, foreign_orders, discounted_orders, refunds,
           refunded_minor, first_order_at, last_order_at"""
_BUYERS_KNOWN = f"""
    SELECT {_COLUMNS} FROM customer WHERE merchant_no = :merchant AND orders > 0"""
_BUYERS_THEN = f"""
    WITH {_SINCE}
    SELECT {_COLUMNS} FROM {_UNAFFECTED} AND orders > 0
    UNION ALL
    SELECT o.customer_id, bool_or(c.anonymous), count(*), CAST(sum(o.items) AS int8),
           CAST(sum(coalesce(o.spend_minor, 0) - coalesce(r.goods, 0)) AS int8),
           count(*) FILTER (WHERE o.spend_minor IS NULL), count(*) FILTER (WHERE o.discounted),
           CAST(sum(coalesce(r.n, 0)) AS int8), CAST(sum(coalesce(r.money, 0)) AS int8),
           min(o.placed_at), max(o.placed_at)
    FROM {_COUNTED} LEFT JOIN ({GIVEN_BACK}) r ON r.order_id = o.order_id GROUP BY o.customer_id"""

_IN_COHORT = "first_qualifying_at >= :starts_at AND first_qualifying_at < :ends_at"
_FIRSTS_KNOWN = f"""
    SELECT anonymous, first_qualifying_at AS first_at, second_qualifying_at AS second_at
    FROM customer WHERE merchant_no = :merchant AND {_IN_COHORT}"""
_FIRSTS_THEN = f"""
    WITH {_SINCE}, qualifying AS MATERIALIZED (
        SELECT o.customer_id, c.anonymous, o.placed_at FROM {_COUNTED}
        WHERE o.refunded_at IS NULL OR o.refunded_at > :as_of
    ), firsts AS (
        SELECT customer_id, bool_or(anonymous) AS anonymous, min(placed_at) AS first_qualifying_at FROM qualifying
        GROUP BY customer_id
    )
    SELECT anonymous, first_qualifying_at AS first_at, second_qualifying_at AS second_at
    FROM {_UNAFFECTED} AND {_IN_COHORT}
    UNION ALL
    SELECT f.anonymous, f.first_qualifying_at, min(q.placed_at)
    FROM firsts f LEFT JOIN qualifying q ON q.customer_id = f.customer_id AND q.placed_at > f.first_qualifying_at
    WHERE {_IN_COHORT} GROUP BY f.customer_id, f.anonymous, f.first_qualifying_at"""


def buyers(as_of: datetime | None) -> str:
    """One row per customer with a counted order: its sums, first and last order."""
    return _BUYERS_KNOWN if as_of is None else _BUYERS_THEN


def firsts(as_of: datetime | None) -> str:
    """One row per customer whose first qualifying order lies in [:starts_at, :ends_at), with the next one after it."""
    return _FIRSTS_KNOWN if as_of is None else _FIRSTS_THEN


def values(merchant_no: int, as_of: datetime | None, **more: Any) -> dict[str, Any]:
    """The values that a statement over the relation of this `as_of` binds."""
    return {"merchant": merchant_no, **({} if as_of is None else {"as_of": as_of}), **more}
