"""Every statement of the fold finds its rows by their own key, on empty tables and on filled ones.

The worker keeps one generic plan per statement: a plan made on an empty table lives on when the table is large.
"""

from services.segmentation.adapters import exports, load_sql, store_sql
from tests.plans import analyse, statements_of, walks
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at

STATEMENTS = statements_of(exports, load_sql, store_sql)
FEW_ROWS = ("merchant", "store", "segment")
# Whoever registers a merchant wants all of its customers.
INTENDED = [
    "load_sql.ORDERS: walks through customer_pkey (merchant_no, customer_id) with (merchant_no = r.merchant_no)"
]


async def test_statements_use_their_keys_on_empty_tables(alone: Folded) -> None:
    assert await walks(alone.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == INTENDED


async def test_statements_use_their_keys_on_filled_tables(alone: Folded) -> None:
    tell = Teller()
    orders = [tell.placed(n, n % 300, at(n / 10), discount_minor=n % 2) for n in range(2000)]
    refunds = [tell.refunded(n, n % 300, at(n), [10]) for n in range(0, 2000, 7)]
    merges = [tell.merged(n, n + 1) for n in range(0, 300, 10)]
    await alone.apply([tell.merchant(), *orders, *refunds, *merges, *(tell.erased(n) for n in range(1, 300, 20))])

    assert await walks(alone.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == INTENDED
    await analyse(alone.urls.owner)
    assert await walks(alone.urls.worker, STATEMENTS, few_rows=FEW_ROWS) == INTENDED
