"""What operators see and do, and what merchants' operators may not."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from libs.contracts.customers import CustomerErasedV1
from libs.eventbus import marks, outbox
from libs.eventbus.group import Group
from libs.eventbus.port import Partition
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from libs.servicekit.job_runner import JobRunner
from libs.servicekit.ops_jobs import ops_job_handlers
from tests.libs.servicekit.stage import NOW, bearer, client_of, make_app, make_kit
from tests.libs.servicekit.web.conftest import Ground

PARKED = "/v1/ops/parked_events"
MARK = "SELECT last_seq FROM inbox_lane WHERE topic = 'commerce' AND lane = 3"


class QuietBus:
    """A bus that is only asked what is unread."""

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        return {Partition(topic, number): 2 for topic in topics for number in range(3)}


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    async with ground.worker.begin() as uow:
        await marks.seed(uow.connection, "loyalty", {"commerce": "order-ingest"})
        await outbox.seed_topic(uow.connection, "loyalty")
        await uow.connection.execute(
            text("INSERT INTO outbox_cursor (bus, topic, lane) SELECT 'postgres', topic, lane FROM outbox_lane")
        )
        await ensure_partitions(uow.connection, NOW)
    async with client_of(make_app(make_kit(database=ground.api, clock=ground.clock, bus=QuietBus()))) as client:
        yield client


async def _park(
    ground: Ground,
    merchant_id: UUID | None,
    *sequences: int,
    status: str = "parked",
    event: Mapping[str, Any] | None = None,
) -> None:
    for sequence in sequences:
        await ground.execute(
            "INSERT INTO parked_event (consumer_group, source, topic, lane, seq, merchant_id, subject, event, error,"
            " failed, status) VALUES ('loyalty', 'order-ingest', 'commerce', 3, :seq, :merchant_id, 'm:c',"
            " CAST(:event AS jsonb), 'ValueError: bad', true, :status)",
            seq=sequence,
            merchant_id=merchant_id,
            status=status,
            event=json.dumps(event or {"sealed": True}),
        )


async def _get(client: httpx.AsyncClient, path: str, merchant_id: UUID | None) -> httpx.Response:
    return await client.get(path, headers=bearer("ops:read", merchant_id=merchant_id))


async def _post(
    client: httpx.AsyncClient, path: str, merchant_id: UUID | None, body: dict[str, Any] | None = None
) -> httpx.Response:
    return await client.post(path, json=body or {}, headers=bearer("ops:write", "ops:replay", merchant_id=merchant_id))


def _worker(ground: Ground) -> JobRunner:
    async def handle(transaction: Transaction, events: Sequence[AnyEvent]) -> None:
        return

    group = Group("loyalty", {"commerce": "order-ingest"}, {CustomerErasedV1.TYPE: CustomerErasedV1}, handle)
    return JobRunner(ground.worker, ops_job_handlers(group, ground.worker.begin), ground.clock)


async def _job(ground: Ground, client: httpx.AsyncClient, accepted: httpx.Response) -> dict[str, Any]:
    headers = bearer("jobs:read", merchant_id=ground.merchant)
    job: dict[str, Any] = (await client.get(accepted.headers["location"], headers=headers)).json()
    return job


async def _audited(ground: Ground, client: httpx.AsyncClient) -> tuple[str, str, str]:
    answer = await client.get("/v1/audit_log", headers=bearer("audit_log:read", merchant_id=ground.merchant))
    (entry,) = answer.json()["items"]
    return entry["actor"], entry["action"], entry["target"]


async def test_lag_shows_both_sides_of_the_bus(ground: Ground, client: httpx.AsyncClient) -> None:
    await _park(ground, ground.merchant, 7)
    await ground.execute("UPDATE outbox_lane SET next_seq = 6 WHERE lane IN (1, 2)")
    await ground.execute("UPDATE outbox_cursor SET published = 5 WHERE lane = 1")
    await ground.execute(
        "INSERT INTO outbox (topic, lane, seq, event_id, chain, merchant_id, subject, type, headers, payload,"
        " created_at) SELECT topic, lane, 1, gen_random_uuid(), '', gen_random_uuid(), 's', 't', '{}', '', :at"
        " FROM outbox_lane WHERE lane = 2",
        at=NOW,
    )

    lag = (await _get(client, "/v1/ops/lag", None)).json()

    (telling,) = lag["telling"]
    assert telling.pop("oldest_seconds") is not None
    assert telling == {"bus": "postgres", "topic": "loyalty", "lanes_behind": 1, "unpublished": 5}
    (reading,) = lag["reading"]
    assert (reading["topic"], reading["unread"], reading["parked"]) == ("commerce", 6, 1)


async def test_lag_is_told_as_far_as_known_while_the_bus_is_away(ground: Ground, client: httpx.AsyncClient) -> None:
    class AwayBus:
        async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
            raise ConnectionError("away")

    kit = make_kit(database=ground.api, clock=ground.clock, bus=AwayBus())
    async with client_of(make_app(kit)) as other:
        lag = (await _get(other, "/v1/ops/lag", None)).json()

    assert lag["reading"][0]["unread"] is None


async def test_an_operator_sees_the_parked_events_of_his_merchant(ground: Ground, client: httpx.AsyncClient) -> None:
    await _park(ground, ground.merchant, 1, 2, 3)
    await _park(ground, ground.other, 4)
    await _park(ground, None, 5)
    first = (await _get(client, f"{PARKED}?limit=2", ground.merchant)).json()
    second = (await _get(client, f"{PARKED}?limit=2&cursor={first['next_cursor']}", ground.merchant)).json()
    everything = (await _get(client, PARKED, None)).json()

    assert [item["sequence"] for item in first["items"] + second["items"]] == [1, 2, 3]
    assert second["next_cursor"] is None
    assert [item["sequence"] for item in everything["items"]] == [1, 2, 3, 4, 5]
    assert "event" not in everything["items"][0]


async def test_a_parked_event_of_another_merchant_does_not_exist(ground: Ground, client: httpx.AsyncClient) -> None:
    await _park(ground, ground.other, 4)
    path = f"{PARKED}/order-ingest.commerce.3.4"
    answers = [
        await _get(client, path, ground.merchant),
        await _post(client, f"{path}/replays", ground.merchant),
        await _post(client, f"{path}/discards", ground.merchant, {"reason": "not mine"}),
        await _get(client, f"{PARKED}/order-ingest.commerce.3.99", ground.other),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert (await _get(client, path, ground.other)).json()["event"] == {"sealed": True}


async def test_a_number_that_no_place_can_have_is_the_callers_mistake(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    beyond = "order-ingest.commerce.1.9999999999999999999"  # fits the path's pattern, and no bigint

    assert (await _get(client, f"/v1/ops/parked_events/{beyond}", ground.merchant)).status_code == 422
    rewind = {"topic": "loyalty", "published": 2**70, "reason": "far beyond"}
    assert (await _post(client, "/v1/ops/rewinds", None, rewind)).status_code == 422


async def test_a_replay_is_a_job_that_applies_the_subjects_events_and_is_audited(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    await _park(ground, ground.merchant, 4, 5)
    answer = await _post(client, f"{PARKED}/order-ingest.commerce.3.4/replays", ground.merchant)
    queued = await _job(ground, client, answer)
    await _worker(ground).run_one(asyncio.Event())
    done = await _job(ground, client, answer)
    shown = (await _get(client, f"{PARKED}/order-ingest.commerce.3.5", ground.merchant)).json()

    assert (answer.status_code, queued["state"]) == (202, "queued")
    assert (done["state"], done["result"]) == ("succeeded", {"replayed": 2})
    assert (shown["status"], shown["resolved_by"]) == ("replayed", "ada")
    assert await _audited(ground, client) == ("ada", "parked_event.replay", "order-ingest.commerce.3.4")


async def test_an_event_that_fails_again_fails_the_job_and_stays_parked(
    ground: Ground, client: httpx.AsyncClient
) -> None:
    kept = {"headers": {"ce_type": "customer.erased.v1"}}
    await _park(ground, ground.merchant, 4, event=kept)
    answer = await _post(client, f"{PARKED}/order-ingest.commerce.3.4/replays", ground.merchant)
    await _worker(ground).run_one(asyncio.Event())
    job = await _job(ground, client, answer)

    assert (job["state"], job["problem"]["title"]) == ("failed", "The event fails again")
    assert await ground.value("SELECT count(*) FROM parked_event WHERE status = 'parked'") == 1


async def test_a_discard_gives_up_one_event_and_is_audited(ground: Ground, client: httpx.AsyncClient) -> None:
    await _park(ground, ground.merchant, 4, 5)
    path = f"{PARKED}/order-ingest.commerce.3.4"
    answer = await _post(client, f"{path}/discards", ground.merchant, {"reason": "bad on purpose"})
    left = (await _get(client, PARKED, ground.merchant)).json()

    assert answer.status_code == 200
    told = {name: answer.json()[name] for name in ("status", "reason", "resolved_by")}
    assert told == {"status": "discarded", "reason": "bad on purpose", "resolved_by": "ada"}
    assert [item["sequence"] for item in left["items"]] == [5]
    assert await _audited(ground, client) == ("ada", "parked_event.discard", "order-ingest.commerce.3.4")


@pytest.mark.parametrize("deed", ["replays", "discards"])
async def test_what_is_resolved_is_not_resolved_again(ground: Ground, client: httpx.AsyncClient, deed: str) -> None:
    await _park(ground, ground.merchant, 4, status="replayed")
    path = f"{PARKED}/order-ingest.commerce.3.4/{deed}"
    answer = await _post(client, path, ground.merchant, {"reason": "because"} if deed == "discards" else None)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:huitou:problem:already-resolved")


async def test_a_skip_asked_twice_skips_once(ground: Ground, client: httpx.AsyncClient) -> None:
    skip = {"source": "order-ingest", "topic": "commerce", "lane": 3, "sequence": 1, "reason": "lost for good"}
    first = await _post(client, "/v1/ops/skips", None, skip)
    again = await _post(client, "/v1/ops/skips", None, skip)
    unknown = await _post(client, "/v1/ops/skips", None, {**skip, "topic": "loyalty"})

    assert (first.status_code, again.status_code, unknown.status_code) == (200, 409, 404)
    assert await ground.value(MARK) == 1
    assert await ground.value("SELECT action FROM audit_log WHERE merchant_no = 0") == "lane.skip"


async def test_a_rewind_lowers_cursors_and_never_below_the_floor(ground: Ground, client: httpx.AsyncClient) -> None:
    await ground.execute("UPDATE outbox_cursor SET published = 20")
    await ground.execute("UPDATE outbox_floor SET floor = 6 WHERE lane = 2")
    body = {"topic": "loyalty", "published": 3, "reason": "the bus was wiped"}
    one = await _post(client, "/v1/ops/rewinds", None, {**body, "lane": 1})
    after_one = await ground.value("SELECT count(*) FROM outbox_cursor WHERE published = 3")
    everything = await _post(client, "/v1/ops/rewinds", None, body)

    assert (one.json(), after_one, everything.json()) == ({"lanes": 1}, 1, {"lanes": 64})
    assert await ground.value("SELECT published FROM outbox_cursor WHERE lane = 2") == 5
    assert await ground.value("SELECT count(*) FROM outbox_cursor WHERE published = 3") == 63


@pytest.mark.parametrize("path", ["/v1/ops/skips", "/v1/ops/rewinds"])
async def test_only_the_platform_moves_lanes(ground: Ground, client: httpx.AsyncClient, path: str) -> None:
    skip = {"source": "order-ingest", "topic": "commerce", "lane": 3, "sequence": 9, "reason": "because"}
    body = skip if path.endswith("skips") else {"topic": "loyalty", "reason": "because"}
    answer = await _post(client, path, ground.merchant, body)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:huitou:problem:platform-required")


async def test_audit_pages_join(ground: Ground, client: httpx.AsyncClient) -> None:
    for sequence in range(5):
        await _park(ground, ground.merchant, sequence)
        ground.clock.advance(timedelta(seconds=1))
        await _post(client, f"{PARKED}/order-ingest.commerce.3.{sequence}/replays", ground.merchant)
    headers = bearer("audit_log:read", merchant_id=ground.merchant)
    first = (await client.get("/v1/audit_log?limit=3", headers=headers)).json()
    second = (await client.get(f"/v1/audit_log?limit=3&cursor={first['next_cursor']}", headers=headers)).json()

    assert [entry["target"][-1] for entry in first["items"] + second["items"]] == ["4", "3", "2", "1", "0"]


_SKIP = {"source": "order-ingest", "topic": "commerce", "lane": 3, "sequence": 9, "reason": "it is lost for good"}


@pytest.mark.parametrize(
    ("path", "body", "of_a_merchant", "slug"),
    [
        ("parked_events/order-ingest.commerce.3.99/replays", {}, True, "not-found"),
        ("parked_events/order-ingest.commerce.3.8/replays", {}, True, "already-resolved"),
        ("parked_events/order-ingest.commerce.3.7/discards", {"reason": "no such shop"}, False, "no-merchant"),
        ("skips", _SKIP, True, "platform-required"),
        ("skips", _SKIP, False, "not-the-next"),
        ("skips", {**_SKIP, "topic": "segmentation"}, False, "not-found"),
        ("rewinds", {"topic": "loyalty", "reason": "the bus lost it"}, True, "platform-required"),
        ("rewinds", {"topic": "commerce", "reason": "the bus lost it"}, False, "not-found"),
    ],
)
async def test_what_an_operation_refuses_with_is_described_beside_it(
    ground: Ground, client: httpx.AsyncClient, path: str, body: dict[str, Any], of_a_merchant: bool, slug: str
) -> None:
    await _park(ground, None, 7)
    await _park(ground, ground.merchant, 8, status="replayed")
    paths = (await client.get("/openapi.json")).json()["paths"]

    refused = await _post(client, f"/v1/ops/{path}", ground.merchant if of_a_merchant else None, body)

    [operation] = [item["post"] for each, item in paths.items() if each.endswith(path.rpartition("/")[2])]
    assert refused.json()["type"].endswith(f":{slug}")
    assert f"`{slug}`" in operation["responses"][str(refused.status_code)]["description"]
