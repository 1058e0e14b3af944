"""Loyalty's routes, on the real application under the API's role."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.loyalty.domain.programmes import default_programme_id
from tests.services.loyalty.facts import DAY, MERCHANT, START, Facts, uid
from tests.services.loyalty.stage import Stage
from tests.services.loyalty.web import bearer, client_of

PROGRAMME = f"/v1/programmes/{default_programme_id(MERCHANT)}"
AS_CSV = {"accept": "text/csv"}


@pytest.fixture
async def client(stage: Stage, tell: Facts) -> AsyncIterator[httpx.AsyncClient]:
    """Ann has much, bob has a little of it pending, cy has nothing."""
    now = stage.clock.now()
    events = [tell.merchant(), tell.customer("ann"), tell.customer("bob"), tell.customer("cy")]
    events += [tell.placed("ann", "o1", 220_000), tell.paid("ann", "o1"), tell.refunded("ann", "o1", 10_000)]
    tell.at = now - DAY
    events += [tell.placed("bob", "o2", 3_000), tell.paid("bob", "o2")]
    await stage.hear(*events)
    async with client_of(stage) as opened:
        yield opened


async def show(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


async def adjust(client: httpx.AsyncClient, name: str, points: int, *, key: str = "k1") -> httpx.Response:
    body = {"customer_id": str(uid(name)), "points": points, "reason": "goodwill"}
    return await client.post("/v1/adjustments", json=body, headers={"Idempotency-Key": key})


async def test_members_are_listed_by_points_in_pages(client: httpx.AsyncClient) -> None:
    first = await show(client, "/v1/members", limit=2)
    second = await show(client, "/v1/members", limit=2, cursor=first["next_cursor"])

    found = [(each["customer_id"], each["points"], each["tier"]) for each in first["items"] + second["items"]]
    assert found == [
        (str(uid("ann")), 2_100, "Gold"),
        (str(uid("bob")), 30, None),
        (str(uid("cy")), 0, None),
    ]
    assert second["next_cursor"] is None
    gold = await show(client, "/v1/members", tier="Gold")
    assert [each["customer_id"] for each in gold["items"]] == [str(uid("ann"))]
    assert (await client.get("/v1/members", params={"tier": "Wood"})).status_code == 422


async def test_a_member_is_shown_with_the_balance_by_state(client: httpx.AsyncClient) -> None:
    bob = await show(client, f"/v1/members/{uid('bob')}")

    assert bob["balance"] == {"usable": 0, "pending": 30, "held": 0, "debt": 0}


async def test_entries_tell_their_cause_newest_first(client: httpx.AsyncClient) -> None:
    page = await show(client, f"/v1/members/{uid('ann')}/entries")

    assert [(each["kind"], each["points"], each["reason"]) for each in page["items"]] == [
        ("clawback", -100, "order refunded"),
        ("earn", 2_200, "order paid"),
    ]
    assert {each["cause"]["order_id"] for each in page["items"]} == {str(uid("o1"))}
    assert all(each["cause"]["rule_version"] == 1 and each["cause"]["fact_id"] for each in page["items"])


async def test_lots_and_tier_say_until_when(client: httpx.AsyncClient) -> None:
    [lot] = (await show(client, f"/v1/members/{uid('bob')}/lots"))["items"]
    tier = await show(client, f"/v1/members/{uid('ann')}/tier")

    assert (lot["state"], lot["remaining"]) == ("pending", 30)
    assert (tier["tier"], tier["next_tier"]) == ("Gold", "Diamond")
    assert tier["valid_until"] == (START + 365 * DAY).isoformat().replace("+00:00", "Z")
    assert tier["missing"] == {"amount_minor": 290_000, "currency": "USD"}


@pytest.mark.parametrize("path", ["/v1/members", f"/v1/members/{uid('ann')}/entries", f"/v1/members/{uid('ann')}/lots"])
async def test_tables_come_as_csv(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=AS_CSV)

    rows = list(csv.DictReader(io.StringIO(response.text)))
    page = await show(client, path)
    assert response.headers["content-type"].startswith("text/csv")
    assert len(rows) == len(page["items"])


async def test_the_summary_counts_members_tiers_and_points(client: httpx.AsyncClient, stage: Stage) -> None:
    summary = await show(client, f"{PROGRAMME}/summary", as_of=stage.clock.now().isoformat())

    assert summary["members"] == 3
    assert summary["members_by_tier"] == {"none": 2, "Silver": 0, "Gold": 1, "Diamond": 0}
    points = summary["points"]
    assert (points["issued"], points["reversed"], points["usable"], points["pending"]) == (2_230, 100, 2_100, 30)
    assert summary["orders"] == {"known": 2, "paid": 2, "awarded": 2, "without_rate": 0}


async def test_the_summary_of_an_earlier_instant_counts_the_orders_of_that_year(
    client: httpx.AsyncClient, stage: Stage
) -> None:
    summary = await show(client, f"{PROGRAMME}/summary", as_of=(START + 365 * DAY).isoformat())

    assert summary["members_by_tier"]["Gold"] == 0


async def test_the_ledger_proves_itself_and_has_a_hash(client: httpx.AsyncClient) -> None:
    proof = await show(client, "/v1/ledger/proof")

    assert proof["violations"] == 0
    assert [each["invariant"] for each in proof["findings"]] == [f"I{n}" for n in range(1, 13)]
    assert {each["invariant"]: each["checked"] for each in proof["findings"]}["I2"] == 3
    digest = await show(client, "/v1/ledger/hash")
    assert (len(digest["hash"]), digest["lines"]) == (64, 3)


async def test_an_adjustment_takes_effect_once_per_key_and_is_audited(client: httpx.AsyncClient, stage: Stage) -> None:
    first, again = await adjust(client, "cy", 50), await adjust(client, "cy", 50)

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json()["balance"]["usable"] == 50
    assert (await stage.balance("cy")).usable == 50
    [told] = await stage.told("points.adjusted")
    assert (told["points"], told["actor"], told["entry_id"]) == (50, "ada", first.json()["entry_id"])
    [audited] = (await show(client, "/v1/audit_log"))["items"]
    assert (audited["action"], audited["target"]) == ("points.adjust", f"member:{uid('cy')}")


async def test_an_adjustment_needs_a_key_a_member_and_enough_points(client: httpx.AsyncClient, stage: Stage) -> None:
    body = {"customer_id": str(uid("cy")), "points": 5, "reason": "x"}
    assert (await client.post("/v1/adjustments", json=body)).status_code == 422
    assert (await adjust(client, "nobody", 5)).status_code == 404
    assert (await adjust(client, "cy", 0)).status_code == 422
    refused = await adjust(client, "bob", -31)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:huitou:problem:insufficient-points")
    assert (await adjust(client, "bob", -30)).status_code == 201
    reused = await adjust(client, "bob", 1)
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:huitou:problem:idempotency-key-reused")
    assert await stage.rows("SELECT 1 FROM account WHERE owner = :nobody", nobody=uid("nobody")) == []
    assert await stage.broken() == []


async def test_a_draft_is_changed_with_its_etag_and_published_once(client: httpx.AsyncClient) -> None:
    early = (START - 400 * DAY).isoformat().replace("+00:00", "Z")
    draft = await client.post(f"{PROGRAMME}/versions", json={"effective_at": early})
    assert (draft.status_code, draft.json()["number"], draft.json()["state"]) == (201, 2, "draft")
    address, etag = f"{PROGRAMME}/versions/2", draft.headers["etag"]

    assert (await client.patch(address, json={"points_per_unit": 3})).status_code == 422
    assert (await client.patch(address, json={}, headers={"If-Match": '"9"'})).status_code == 412
    changed = await client.patch(address, json={"points_per_unit": 3}, headers={"If-Match": etag})
    assert (changed.json()["rules"]["points_per_unit"], changed.json()["effective_at"]) == (3, early)
    assert changed.headers["etag"] != etag

    published = await client.post(f"{address}/publication")
    assert (published.status_code, published.json()["state"]) == (200, "published")
    again = await client.post(f"{address}/publication")
    assert (again.status_code, again.json()["type"]) == (409, "urn:huitou:problem:version-published")
    late = await client.patch(address, json={"points_per_unit": 4}, headers={"If-Match": changed.headers["etag"]})
    assert late.status_code == 409


@pytest.mark.parametrize(
    "tiers",
    [
        [{"name": "A", "threshold_minor": 2}, {"name": "B", "threshold_minor": 1}],
        [{"name": "A", "threshold_minor": 1}, {"name": "A", "threshold_minor": 2}],
        [{"name": "none", "threshold_minor": 1}],
    ],
)
async def test_a_ladder_rises_and_its_names_differ(client: httpx.AsyncClient, tiers: list[dict[str, Any]]) -> None:
    assert (await client.post(f"{PROGRAMME}/versions", json={"tiers": tiers})).status_code == 422


async def test_an_absorbed_customer_is_shown_as_its_survivor(
    client: httpx.AsyncClient, stage: Stage, tell: Facts
) -> None:
    await stage.hear(tell.merged("bob", "ann"))

    bob = await show(client, f"/v1/members/{uid('bob')}")
    entries = await show(client, f"/v1/members/{uid('bob')}/entries")

    assert (bob["customer_id"], bob["points"]) == (str(uid("ann")), 2_130)
    assert [each["kind"] for each in entries["items"]] == ["merge", "earn", "clawback", "earn"]
    assert (await show(client, "/v1/members"))["items"][-1]["customer_id"] == str(uid("cy"))


async def test_another_merchant_sees_nothing_of_it(client: httpx.AsyncClient, stage: Stage) -> None:
    other = Facts(merchant_id=uuid4())
    await stage.hear(other.merchant(at=START))
    headers = bearer(stage, other.merchant_id)
    paths = [
        f"/v1/members/{uid('ann')}",
        f"/v1/members/{uid('ann')}/entries",
        f"/v1/members/{uid('ann')}/lots",
        f"/v1/members/{uid('ann')}/tier",
        PROGRAMME,
        f"{PROGRAMME}/versions/1",
        f"{PROGRAMME}/summary",
    ]

    assert [(await client.get(path, headers=headers)).status_code for path in paths] == [404] * len(paths)
    assert (await client.get("/v1/members", headers=headers)).json()["items"] == []
    body = {"customer_id": str(uid("ann")), "points": 5, "reason": "x"}
    theirs = await client.post("/v1/adjustments", json=body, headers={**headers, "Idempotency-Key": "k"})
    assert theirs.status_code == 404
    assert (await client.post(f"{PROGRAMME}/versions", json={}, headers=headers)).status_code == 404
    assert (await client.get("/v1/ledger/proof", headers=headers)).json()["findings"][1]["checked"] == 0


async def test_each_scope_opens_its_own_routes_only(client: httpx.AsyncClient, stage: Stage) -> None:
    headers = bearer(stage, MERCHANT, "members:read")

    assert (await client.get("/v1/members", headers=headers)).status_code == 200
    assert (await client.get("/v1/programmes", headers=headers)).status_code == 403
    assert (await client.get("/v1/ledger/proof", headers=headers)).status_code == 403
    assert (await client.get("/v1/members", headers={"Authorization": ""})).status_code == 401
