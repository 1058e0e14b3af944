# ruff: noqa: S608 - statements are put together from this package's constants; every value is bound
"""The measures' statements, each over the relation that fits its `as_of`.

The relations are constants of this package; every value is bound.
"""

from datetime import datetime

from services.segmentation.adapters.snapshots import GIVEN_BACK, buyers, firsts

_SCORED = """
    SELECT b.*,
           1 + CAST(last_order_at > :r1 AS int) + CAST(last_order_at > :r2 AS int)
             + CAST(last_order_at > :r3 AS int) + CAST(last_order_at > :r4 AS int) AS r,
           1 + CAST(orders > :f1 AS int) + CAST(orders > :f2 AS int)
             + CAST(orders > :f3 AS int) + CAST(orders > :f4 AS int) AS f,
           1 + CAST(spend_minor > :m1 AS int) + CAST(spend_minor > :m2 AS int)
             + CAST(spend_minor > :m3 AS int) + CAST(spend_minor > :m4 AS int) AS m
    FROM ({buyers}) b WHERE NOT anonymous"""


def repurchases(as_of: datetime | None) -> str:
    """The cohort's size, and how many of it have a second order within :window after the first."""
    return f"""
    SELECT count(*) FILTER (WHERE NOT anonymous) AS cohort,
           count(*) FILTER (WHERE NOT anonymous AND second_at - first_at <= CAST(:window AS interval)) AS repurchased,
           count(*) FILTER (WHERE anonymous) AS anonymous
    FROM ({firsts(as_of)}) f"""


def rfm_boundaries(as_of: datetime | None) -> str:
    """The quintile boundaries by value. percentile_disc is the smallest value whose share of rows reaches k/5."""
    fifths = "CAST(ARRAY[0.2, 0.4, 0.6, 0.8] AS float8[])"
    return f"""
    SELECT percentile_disc({fifths}) WITHIN GROUP (ORDER BY last_order_at) FILTER (WHERE NOT anonymous) AS recency,
           percentile_disc({fifths}) WITHIN GROUP (ORDER BY orders) FILTER (WHERE NOT anonymous) AS frequency,
           percentile_disc({fifths}) WITHIN GROUP (ORDER BY spend_minor) FILTER (WHERE NOT anonymous) AS monetary,
           count(*) FILTER (WHERE anonymous) AS anonymous
    FROM ({buyers(as_of)}) b"""


def rfm_cells(as_of: datetime | None) -> str:
    """Customers by their three scores."""
    return f"""
    SELECT r, f, m, count(*) AS customers, CAST(sum(orders) AS int8) AS orders,
           CAST(sum(spend_minor) AS int8) AS spend_minor
    FROM ({_SCORED.format(buyers=buyers(as_of))}) s GROUP BY r, f, m ORDER BY r, f, m"""


def rfm_customers(as_of: datetime | None) -> str:
    """The customers of one group, which is a range of recency and a range of value scores."""
    return f"""
    SELECT s.*, 1 AS customers FROM ({_SCORED.format(buyers=buyers(as_of))}) s
    WHERE customer_id > :after AND r BETWEEN :low_recency AND :high_recency
      AND (f + m + 1) / 2 BETWEEN :low_value AND :high_value
    ORDER BY customer_id LIMIT :limit"""


def top_customers(as_of: datetime | None) -> str:
    """Identified customers by spend downwards."""
    return f"""
    SELECT * FROM ({buyers(as_of)}) b WHERE NOT anonymous ORDER BY spend_minor DESC, customer_id LIMIT :limit"""


def totals(as_of: datetime | None) -> str:
    """Buyers added up, one row for the identified and one for the anonymous."""
    sums = ", ".join(
        f"CAST(sum({name}) AS int8) AS {name}"
        for name in (
            "orders",
            "items",
            "spend_minor",
            "foreign_orders",
            "discounted_orders",
            "refunds",
            "refunded_minor",
        )
    )
    return f"""
    SELECT anonymous, count(*) AS customers, count(*) FILTER (WHERE orders > 1) AS repeat_customers, {sums}
    FROM ({buyers(as_of)}) b GROUP BY anonymous"""


_BUYERS_OF_PERIOD = f"""
    SELECT b.customer_id, bool_or(b.anonymous) AS anonymous, count(*) AS orders,
           count(*) FILTER (WHERE o.placed_at > b.first_order_at) AS repeats,
           coalesce(sum(o.spend_minor), 0) - coalesce(sum(r.goods), 0) AS money,
           coalesce(sum(o.spend_minor) FILTER (WHERE o.placed_at > b.first_order_at), 0)
         - coalesce(sum(r.goods) FILTER (WHERE o.placed_at > b.first_order_at), 0) AS repeat_money
    FROM ({{buyers}}) b
    JOIN customer_order o ON o.merchant_no = :merchant AND o.customer_id = b.customer_id
     AND o.placed_at > :starts_at AND o.placed_at <= :as_of AND o.deleted_at IS NULL
     AND (o.cancelled_at IS NULL OR o.cancelled_at > :as_of)
    LEFT JOIN ({GIVEN_BACK}) r ON r.order_id = o.order_id
    GROUP BY b.customer_id"""
_TIMES = "CAST({0} AS numeric) * {1}"  # squares and products of money go beyond int8


def repeat_sums(as_of: datetime) -> str:
    """Orders and money in (:starts_at, :as_of] by customer, summed up for the intervals of two shares."""
    sums = {
        "orders": "orders",
        "repeats": "repeats",
        "orders2": _TIMES.format("orders", "orders"),
        "repeats2": _TIMES.format("repeats", "repeats"),
        "orders_repeats": _TIMES.format("orders", "repeats"),
        "money": "money",
        "repeat_money": "repeat_money",
        "money2": _TIMES.format("money", "money"),
        "repeat_money2": _TIMES.format("repeat_money", "repeat_money"),
        "money_repeats": _TIMES.format("money", "repeat_money"),
    }
    columns = ", ".join(
        f"coalesce(sum({term}) FILTER (WHERE NOT anonymous), 0) AS {name}" for name, term in sums.items()
    )
    return f"""
    SELECT count(*) FILTER (WHERE NOT anonymous) AS customers, {columns},
           coalesce(sum(orders) FILTER (WHERE anonymous), 0) AS anonymous_orders
    FROM ({_BUYERS_OF_PERIOD.format(buyers=buyers(as_of))}) x"""
