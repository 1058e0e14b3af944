"""Whoever asks is told all that segmentation keeps about them, under every id that they ever had."""

from typing import Any

import pytest

from libs.servicekit.clock import SystemClock
from libs.servicekit.sealing import Sealer
from services.segmentation.bootstrap import exports
from tests.exported import opened, shown
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, fx, ident
from tests.services.segmentation.web import settings

SETTINGS = settings()
SEALER = Sealer(SETTINGS.seal_key_ring, SETTINGS.match_key_bytes)
FAMILY = [ident("customer", name) for name in ("a", "b", "ada")]

# Told here a second time, in other words than the service's: whole tables by the ids that the test knows.
_MINE = "customer_id = ANY (CAST(:family AS uuid[]))"
EXPECTED = {
    "customers": f"SELECT * FROM customer WHERE {_MINE}",
    "orders": f"SELECT * FROM customer_order WHERE {_MINE}",
    "refunds": f"SELECT r.* FROM order_refund r JOIN customer_order o USING (order_id) WHERE {_MINE}",
    "months": f"SELECT * FROM customer_month WHERE {_MINE}",
    "timeline": f"SELECT * FROM timeline WHERE {_MINE}",
    "segments": f"SELECT s.*, name FROM segment_stay s JOIN segment USING (segment_id) WHERE {_MINE}",
}
OF_OURS_ALONE = {"merchant_no", "month_mask"}


@pytest.fixture
def tell() -> Teller:
    return Teller()


async def expected(folded: Folded, thing: str) -> list[dict[str, Any]]:
    rows = await folded.rows(EXPECTED[thing], family=FAMILY)
    if thing in ("months", "orders"):
        rows = [{**row, "month": f"{row['month'] // 12:04}-{row['month'] % 12 + 1:02}"} for row in rows]
    return shown({name: value for name, value in row.items() if name not in OF_OURS_ALONE} for row in rows)


async def answer(folded: Folded, *, request: str = "export") -> dict[str, list[dict[str, Any]]]:
    """What the request is answered with once its time has come."""
    await exports(SETTINGS, folded.database, SystemClock()).run_due()
    rows = await folded.rows(
        "SELECT CAST(convert_from(payload, 'UTF8') AS jsonb) AS fact FROM outbox"
        " WHERE type = 'data_export.completed.v1' AND topic = 'segmentation'"
    )
    facts = [row["fact"] for row in rows]
    return opened([fact for fact in facts if fact["request_id"] == str(ident("request", request))], SEALER)


def lived(tell: Teller, name: str) -> list[Any]:
    """Orders in two months and of two currencies, refunds, a cancellation, in and out of the segment."""
    return [
        tell.customer(name),
        tell.placed((1, name), name, at(1), prices=(100, 200), gift_cards=(50,), discount_minor=5),
        tell.placed((2, name), name, at(40), prices=(300, 10, 20)),
        tell.refunded((1, name), name, at(41), [100], shipping=5),
        tell.cancelled((2, name), name, at(42)),
        tell.placed((3, name), name, at(43), currency="EUR", fx=fx("USD", "1.25")),
        tell.placed((4, name), name, at(44), prices=(7, 8)),
    ]


async def test_an_answer_has_exactly_the_rows_of_everybody_whom_the_customer_was(alone: Folded, tell: Teller) -> None:
    lives = [event for name in ("a", "b", "ada", "bea") for event in lived(tell, name)]
    await alone.apply([tell.merchant(), *lives, tell.merged("a", "b"), tell.merged("b", "ada")], batch=1)
    await alone.apply([tell.asked("ada", "1"), tell.asked("a", "2")])

    found = await answer(alone, request="1")

    assert found.keys() == EXPECTED.keys()
    for thing, rows in found.items():
        assert rows, thing
        assert shown(rows) == await expected(alone, thing), thing
    assert {stay["left_at"] is None for stay in found["segments"]} == {True, False}
    assert await answer(alone, request="2") == found


async def test_every_table_that_names_a_customer_is_in_the_answer(alone: Folded) -> None:
    named = await alone.rows(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('customer_id', 'order_id', 'buyer_id') AND table_name <> 'outbox'"
    )
    known = {"customer", "customer_order", "order_refund", "customer_month", "timeline", "segment_stay"}
    assert {row["table_name"] for row in named} == known


async def test_an_unknown_customer_is_answered_with_nothing_and_stays_unknown(alone: Folded, tell: Teller) -> None:
    await alone.apply([tell.merchant(), tell.asked("never heard of")])

    assert await answer(alone) == {}
    assert await alone.rows("SELECT * FROM customer") == []


async def test_an_erased_customer_is_answered_with_what_is_left(alone: Folded, tell: Teller) -> None:
    await alone.apply([tell.merchant(), *lived(tell, "ada"), tell.erased("ada"), tell.asked("ada")])

    found = await answer(alone)

    [customer] = found["customers"]
    assert (customer["locale"], customer["orders"]) == (None, 3)
    assert not any("external_order_id" in entry["details"] for entry in found["timeline"])


async def test_another_merchants_customer_is_not_found(alone: Folded, tell: Teller) -> None:
    other = Teller(merchant_id=ident("another merchant"))
    await alone.apply([tell.merchant(), other.merchant(), tell.customer("ada"), other.asked("ada")])

    assert await answer(alone) == {}
