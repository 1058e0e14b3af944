"""Segmentation's routes, on the real application."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.segmentation.domain.segment import default_segment
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, ident
from tests.services.segmentation.web import NOW, SCOPES, bearer, client_of

AS_CSV = {"accept": "text/csv"}
_shops = count()


@pytest.fixture
def tell() -> Teller:
    """A merchant of the test's own."""
    return Teller(merchant_id=ident("web shop", next(_shops)))


@pytest.fixture
def segment_id(tell: Teller) -> UUID:
    return default_segment(tell.merchant_id).segment_id


@pytest.fixture
async def client(folded: Folded, tell: Teller) -> AsyncIterator[httpx.AsyncClient]:
    """A shop with a regular, a one-time buyer and a guest."""
    await folded.apply(
        [
            tell.merchant(),
            tell.customer("regular"),
            tell.customer("once"),
            tell.customer("guest", anonymous=True),
            tell.placed("1", "regular", at(250), prices=(1000, 500), discount_minor=50),
            tell.placed("2", "regular", at(300), prices=(2000,)),
            tell.refunded("2", "regular", at(301), [500]),
            tell.placed("3", "once", at(250), prices=(700,)),
            tell.placed("4", "guest", at(251), prices=(900,)),
        ]
    )
    async with client_of(folded.urls.api, tell.merchant_id) as opened:
        yield opened


async def show(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await client.get(f"/v1/{path}", params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_profile_shows_counters_money_and_segments(client: httpx.AsyncClient) -> None:
    profile = await show(client, f"customers/{ident('customer', 'regular')}/profile")

    assert (profile["orders"], profile["items"], profile["discounted_orders"]) == (2, 3, 1)
    assert profile["spend"] == {"amount_minor": 3000, "currency": "USD"}
    assert profile["average_order"] == {"amount_minor": 1500, "currency": "USD"}
    assert profile["refunded"] == {"amount_minor": 500, "currency": "USD"}
    assert profile["segments"] == ["discount_regulars"]
    assert profile["first_order_at"] == at(250).isoformat().replace("+00:00", "Z")
    assert profile["active_months"] == ["2025-09", "2025-10"]


async def test_a_timeline_is_read_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    path = f"customers/{ident('customer', 'regular')}/timeline"
    kinds, cursor = [], None
    while True:
        page = await show(client, path, limit=2, **({"cursor": cursor} if cursor else {}))
        kinds += [entry["kind"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert (kinds[0], *kinds[3:]) == ("order.refunded", "order.placed", "customer.registered")
    assert set(kinds[1:3]) == {"order.placed", "segment.entered"}


async def test_a_segment_shows_its_rule_and_members_at_an_instant(client: httpx.AsyncClient, segment_id: UUID) -> None:
    listed = (await show(client, "segments"))["items"]
    now = await show(client, f"segments/{segment_id}")
    before = await show(client, f"segments/{segment_id}", as_of=at(299).isoformat())
    members = await show(client, f"segments/{segment_id}/members")

    assert [segment["segment_id"] for segment in listed] == [str(segment_id)]
    assert (now["members"], before["members"]) == (1, 0)
    assert now["rule"]["all"][0] == {"attribute": "discounted_orders", "op": ">=", "value": 1}
    assert [member["customer_id"] for member in members["items"]] == [str(ident("customer", "regular"))]


async def test_the_repurchase_rate_has_interval_mode_and_the_guests_beside(client: httpx.AsyncClient) -> None:
    found = await show(client, "measures/repurchase_rate")

    assert found["cohort_from"] == (NOW - timedelta(days=180)).isoformat().replace("+00:00", "Z")
    assert (found["rate"]["value"], found["rate"]["n"], found["repurchased"]) == (0.5, 2, 1)
    assert 0 < found["rate"]["low"] < 0.5 < found["rate"]["high"] < 1
    assert (found["mode"], found["anonymous_customers"]) == ("loyalty", 1)


async def test_rfm_groups_partition_the_identified_customers(client: httpx.AsyncClient) -> None:
    rfm = await show(client, "measures/rfm")
    members = [
        customer["customer_id"]
        for group in rfm["groups"]
        for customer in (await show(client, f"measures/rfm/{group['group']}/customers"))["items"]
    ]

    assert (rfm["customers"], rfm["anonymous_customers"]) == (2, 1)
    assert sum(group["customers"] for group in rfm["groups"]) == 2
    assert sorted(members) == sorted(str(ident("customer", name)) for name in ("regular", "once"))


async def test_top_customers_and_the_summary_leave_guests_out(client: httpx.AsyncClient) -> None:
    top = await show(client, "measures/top_customers", limit=5)
    summary = await show(client, "measures/summary")
    before = await show(client, "measures/summary", as_of=at(260).isoformat())

    assert [buyer["spend"]["amount_minor"] for buyer in top["items"]] == [3000, 700]
    assert (summary["identified"]["customers"], summary["identified"]["repeat_customers"]) == (2, 1)
    assert summary["anonymous"]["spend"] == {"amount_minor": 900, "currency": "USD"}
    assert (before["identified"]["orders"], before["identified"]["spend"]["amount_minor"]) == (2, 2200)


async def test_the_repeat_share_is_of_a_period(client: httpx.AsyncClient) -> None:
    share = await show(client, "measures/repeat_share", days=365)

    assert (share["orders"], share["repeat_orders"], share["anonymous_orders"]) == (3, 1, 1)
    assert share["share_of_orders"]["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert share["repeat_revenue"] == {"amount_minor": 1500, "currency": "USD"}


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("measures/rfm", 10),
        ("measures/top_customers", 2),
        ("measures/summary", 2),
        ("segments/{segment_id}/members", 1),
    ],
)
async def test_tables_come_as_csv_where_the_caller_prefers_it(
    client: httpx.AsyncClient, segment_id: UUID, path: str, rows: int
) -> None:
    response = await client.get(f"/v1/{path.format(segment_id=segment_id)}", headers=AS_CSV)

    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(response.text)))
    assert len(table) == rows
    assert all(None not in row and None not in row.values() for row in table)


async def test_a_page_of_csv_names_the_next_page(client: httpx.AsyncClient) -> None:
    names: set[str] = set()
    for group in ("champions", "loyal", "potential_loyalists", "need_attention", "at_risk", "lost", "new_customers"):
        address: str | None = f"/v1/measures/rfm/{group}/customers?limit=1"
        while address:
            response = await client.get(address, headers=AS_CSV)
            names.update(row["customer_id"] for row in csv.DictReader(io.StringIO(response.text)))
            address = response.links.get("next", {}).get("url")

    assert names == {str(ident("customer", name)) for name in ("regular", "once")}


async def test_what_a_merchant_wrote_is_no_formula_in_a_spreadsheet(folded: Folded) -> None:
    # A registered currency is the one text in these tables that comes from outside.
    tell = Teller(merchant_id=ident("formula"), currency="=1+")
    await folded.apply([tell.merchant(), tell.placed("1", "a", at(1))])

    async with client_of(folded.urls.api, tell.merchant_id) as client:
        text = (await client.get("/v1/measures/summary", headers=AS_CSV)).text

    assert '"\'=1+"' in text
    assert '"=1+"' not in text


@pytest.mark.parametrize("path", ["profile", "timeline"])
async def test_somebody_elses_customer_is_not_there(folded: Folded, client: httpx.AsyncClient, path: str) -> None:
    other = Teller(merchant_id=ident("another merchant"))
    await folded.apply([other.merchant(), other.customer("theirs")])

    response = await client.get(f"/v1/customers/{ident('customer', 'theirs')}/{path}")

    assert (response.status_code, response.json()["type"]) == (404, "urn:huitou:problem:not-found")


async def test_an_absorbed_customers_id_shows_the_survivor(
    folded: Folded, client: httpx.AsyncClient, tell: Teller
) -> None:
    await folded.apply([tell.merged("once", "regular")])

    profile = await show(client, f"customers/{ident('customer', 'once')}/profile")
    timeline = await show(client, f"customers/{ident('customer', 'once')}/timeline")

    assert (profile["customer_id"], profile["orders"]) == (str(ident("customer", "regular")), 3)
    assert timeline["items"][0]["kind"] == "customer.merged"


async def test_an_instant_in_the_future_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get("/v1/measures/rfm", params={"as_of": (NOW + timedelta(seconds=1)).isoformat()})

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/query/as_of"


@pytest.mark.parametrize("path", ["customers/x/profile", "segments", "measures/rfm", "measures/repurchase_rate"])
async def test_each_route_asks_for_its_scope(client: httpx.AsyncClient, tell: Teller, path: str) -> None:
    needed = f"{path.split('/', 1)[0]}:read"
    others = [scope for scope in SCOPES if scope != needed]
    path = path.replace("x", str(ident("customer", "regular")))

    without = await client.get(f"/v1/{path}", headers=bearer(tell.merchant_id, *others))
    allowed = await client.get(f"/v1/{path}", headers=bearer(tell.merchant_id, needed))
    unknown = await client.get(f"/v1/{path}", headers={"Authorization": "Bearer nonsense"})

    assert (without.status_code, allowed.status_code, unknown.status_code) == (403, 200, 401)
