"""The repurchase rate, RFM groups and repeat share against DuckDB over the raw orders of a larger shop."""

import random
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from services.segmentation.application.measure_rfm import groups_of
from services.segmentation.domain.repurchase import matured_cohort
from services.segmentation.domain.rfm import GROUPS
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident

AS_OF = at(365)
CUSTOMERS, ORDERS = 400, 3000

_RFM = """
WITH p AS (
    SELECT customer, max(placed) AS r, count(*) AS f, sum(price) AS m FROM orders
    WHERE placed <= $as_of AND (cancelled IS NULL OR cancelled > $as_of) GROUP BY customer
), b AS (
    SELECT quantile_disc(r, [0.2, 0.4, 0.6, 0.8]) AS r, quantile_disc(f, [0.2, 0.4, 0.6, 0.8]) AS f,
           quantile_disc(m, [0.2, 0.4, 0.6, 0.8]) AS m FROM p
), s AS (
    SELECT p.m, {r} AS rs, ({f} + {m} + 1) // 2 AS vs FROM p, b
)
SELECT count(*), coalesce(sum(m), 0) FROM s WHERE rs BETWEEN $r1 AND $r2 AND vs BETWEEN $v1 AND $v2
"""
_SCORE = "1 + " + " + ".join(f"CAST(b.{{0}}[{place}] < p.{{0}} AS INT)" for place in (1, 2, 3, 4))
_RATE = """
WITH o AS (SELECT customer, placed FROM orders
           WHERE placed <= $as_of AND (cancelled IS NULL OR cancelled > $as_of)),
     f AS (SELECT customer, min(placed) AS first FROM o GROUP BY customer
           HAVING min(placed) >= $as_of - INTERVAL 4320 HOURS AND min(placed) < $as_of - INTERVAL 2160 HOURS)
SELECT count(*), count(*) FILTER (WHERE EXISTS (
    SELECT 1 FROM o WHERE o.customer = f.customer AND placed > first AND placed <= first + INTERVAL 2160 HOURS)) FROM f
"""


def raw_orders() -> list[tuple[int, int, datetime, int, datetime | None]]:
    """(number, customer, placed, price, cancelled): some customers buy far more often than others."""
    rng = random.Random(20261122)
    rows = []
    for number in range(ORDERS):
        customer = int(CUSTOMERS * rng.random() ** 2)
        placed = at(rng.randrange(0, 420)) + timedelta(hours=rng.randrange(24))
        cancelled = placed + timedelta(days=rng.randrange(60)) if rng.random() < 0.1 else None
        rows.append((number, customer, placed, rng.choice((500, 990, 990, 2500, 12000)), cancelled))
    return rows


@pytest.fixture(scope="module")
def rows() -> list[tuple[int, int, datetime, int, datetime | None]]:
    return raw_orders()


@pytest.fixture(scope="module")
async def shop(folded: Folded, rows: list[Any]) -> Teller:
    tell = Teller(merchant_id=ident("duck shop"))
    placed = [tell.placed(n, customer, when, prices=(price,)) for n, customer, when, price, _ in rows]
    gone = [tell.cancelled(n, customer, cancelled) for n, customer, _, _, cancelled in rows if cancelled]
    await folded.apply([tell.merchant(), *placed, *gone])
    return tell


@pytest.fixture(scope="module")
def duck(rows: list[Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(
        "CREATE TABLE orders (number INT, customer INT, placed TIMESTAMPTZ, price INT, cancelled TIMESTAMPTZ)"
    )
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
    return connection


async def test_the_repurchase_rate_is_duckdbs(folded: Folded, shop: Teller, duck: duckdb.DuckDBPyConnection) -> None:
    found = await folded.reads.measures.repurchases(shop.merchant_id, AS_OF, matured_cohort(AS_OF), timedelta(days=90))

    assert duck.execute(_RATE, {"as_of": AS_OF}).fetchone() == (found.cohort, found.repurchased)
    assert found.cohort >= 20


async def test_rfm_groups_are_duckdbs(folded: Folded, shop: Teller, duck: duckdb.DuckDBPyConnection) -> None:
    totals = groups_of(await folded.reads.measures.rfm(shop.merchant_id, AS_OF))

    rfm = _RFM.format(**{letter: _SCORE.format(letter) for letter in "rfm"})
    for group, total in zip(GROUPS, totals, strict=True):
        (r1, r2), (v1, v2) = group.recency, group.value
        bound = {"as_of": AS_OF, "r1": r1, "r2": r2, "v1": v1, "v2": v2}
        assert duck.execute(rfm, bound).fetchone() == (total.customers, total.spend_minor), group.name
    assert sum(total.customers for total in totals) > 300
