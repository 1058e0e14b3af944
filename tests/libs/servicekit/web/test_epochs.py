"""A restored service starts a new epoch; a reader that it forgot sees what, and accepts it."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.eventbus import halts, marks, outbox, trail
from libs.eventbus.lanes import CHAIN_START, chain_next
from libs.eventbus.protocol_epochs import first_of
from libs.eventbus.schema import ensure_partitions
from libs.eventbus.words import Lane, Mark, Opening, Record, Trace
from libs.servicekit.database import Role
from libs.servicekit.epoch_command import start_epoch
from tests.libs.servicekit.stage import bearer, client_of, make_app, make_kit, settings
from tests.libs.servicekit.web.conftest import Ground

EPOCHS = "/v1/ops/epochs"
ACCEPTANCES = f"{EPOCHS}/acceptances"
LANE = Lane("order-ingest", "commerce", 3)
REASON = {"reason": "restored from last night's backup"}
WHOLE_TOPIC = {"source": LANE.source, "topic": LANE.topic, **REASON}
PLATFORM = bearer("ops:read", "ops:write", merchant_id=None)


@pytest.fixture
async def client(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    async with ground.worker.begin() as uow:
        await marks.seed(uow.connection, "loyalty", {"commerce": "order-ingest"})
        await outbox.seed_topic(uow.connection, "loyalty")
        await ensure_partitions(uow.connection, datetime.now(UTC))  # rows go by the server's clock
    async with client_of(make_app(make_kit(database=ground.api, clock=ground.clock))) as client:
        yield client


def passed(count: int) -> list[Trace]:
    chain, traces = CHAIN_START, []
    for sequence in range(1, count + 1):
        event_id = uuid4()
        chain = chain_next(chain, event_id)
        traces.append(Trace(sequence, chain, event_id, "order.placed.v1"))
    return traces


async def halt(ground: Ground, *, heard_after: int | None, remembers_from: int = 0) -> list[Trace]:
    """Lane 3 stands at 4 and waits; its source's new epoch follows `heard_after`."""
    traces = passed(4)
    async with ground.worker.begin() as uow:
        connection = uow.connection
        await trail.keep(connection, "loyalty", [(LANE, trace) for trace in traces[remembers_from:]])
        await marks.store(connection, "loyalty", {LANE: Mark(4, traces[3].chain)})
        await halts.halt(connection, "loyalty", LANE, "the source does not know sequence 4: was it restored?")
        if heard_after is not None:
            opens = Opening((traces[heard_after - 1].point,))
            await halts.keep_opening(connection, "loyalty", Record(LANE, first_of(9), b"", uuid4(), "e", opens=opens))
    return traces


async def post(client: httpx.AsyncClient, path: str, body: Mapping[str, Any], key: str = "") -> httpx.Response:
    return await client.post(path, json=body, headers={**PLATFORM, **({"Idempotency-Key": key} if key else {})})


async def shown(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(EPOCHS, headers=PLATFORM)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


async def test_a_new_epoch_starts_once_a_key_and_is_audited(ground: Ground, client: httpx.AsyncClient) -> None:
    first = await post(client, EPOCHS, REASON, "restore-1")
    again = await post(client, EPOCHS, REASON, "restore-1")
    without = await post(client, EPOCHS, REASON)

    assert (first.status_code, again.status_code, without.status_code) == (201, 201, 422)
    assert first.json() == again.json() == {"epoch": first.json()["epoch"], "lanes": 64}
    assert await ground.value("SELECT count(*) FROM outbox WHERE type = 'epoch.started.v1'") == 64
    assert await ground.value("SELECT min(next_seq) FROM outbox_lane") == first_of(first.json()["epoch"]) + 1
    assert await ground.value("SELECT action FROM audit_log WHERE merchant_no = 0") == "epoch.start"


async def test_a_database_that_was_restored_may_speak_again(ground: Ground, client: httpx.AsyncClient) -> None:
    await ground.execute("INSERT INTO source_identity (system_identifier, timeline, database_oid) VALUES ('1', 'x', 1)")
    before = (await shown(client))["identity"]["may_speak"]

    await post(client, EPOCHS, REASON, "restore-2")

    after = await shown(client)
    assert (before, after["identity"]["may_speak"]) == (False, True)
    assert [(one["topic"], one["epoch"], one["ended_by"]) for one in after["ended"]] == [("loyalty", 0, "ada")]


async def test_the_command_starts_an_epoch_without_the_api(
    ground: Ground, client: httpx.AsyncClient, roles: Mapping[Role, str]
) -> None:
    epoch = await start_epoch("loyalty", settings(database_worker_url=roles["worker"]), reason="the API is away")

    assert await ground.value("SELECT min(epoch) FROM outbox_lane") == epoch
    assert str(await ground.value("SELECT actor FROM audit_log")).startswith("command line: ")


async def test_what_was_forgotten_is_listed_by_place_kind_and_id(ground: Ground, client: httpx.AsyncClient) -> None:
    traces = await halt(ground, heard_after=2)

    (halted,) = (await shown(client))["halted"]

    assert {name: halted[name] for name in ("lane", "mark", "waits_for", "resumes_after", "forgotten")} == {
        "lane": 3,
        "mark": 4,
        "waits_for": "acceptance",
        "resumes_after": 2,
        "forgotten": 2,
    }
    assert halted["events"] == [
        {"sequence": one.sequence, "type": "order.placed.v1", "event_id": str(one.event_id)} for one in traces[2:]
    ]


async def test_an_acceptance_lets_the_lane_go_on_and_keeps_the_ids(ground: Ground, client: httpx.AsyncClient) -> None:
    traces = await halt(ground, heard_after=2)

    first = await post(client, ACCEPTANCES, WHOLE_TOPIC)
    again = await post(client, ACCEPTANCES, WHOLE_TOPIC)

    assert first.json() == {"lanes": 1, "forgotten": 2, "waiting": 0}
    assert again.json() == {"lanes": 0, "forgotten": 0, "waiting": 0}
    assert await ground.value("SELECT last_seq FROM inbox_lane WHERE lane = 3") == 2
    kept = await ground.value("SELECT array_agg(event_id ORDER BY seq) FROM forgotten_event")
    assert [UUID(str(one)) for one in kept] == [one.event_id for one in traces[2:]]  # type: ignore[attr-defined]
    assert await ground.value("SELECT target FROM audit_log") == "order-ingest.commerce.3"


@pytest.mark.parametrize(
    ("heard_after", "remembers_from", "waits_for", "problem"),
    [(None, 0, "epoch", "no-new-epoch"), (1, 3, "snapshot", "histories-apart")],
)
async def test_what_cannot_be_accepted_yet_waits(
    ground: Ground,
    client: httpx.AsyncClient,
    heard_after: int | None,
    remembers_from: int,
    waits_for: str,
    problem: str,
) -> None:
    await halt(ground, heard_after=heard_after, remembers_from=remembers_from)

    all_lanes = await post(client, ACCEPTANCES, WHOLE_TOPIC)
    this_lane = await post(client, ACCEPTANCES, {**WHOLE_TOPIC, "lane": 3})
    other_lane = await post(client, ACCEPTANCES, {**WHOLE_TOPIC, "lane": 4})

    assert all_lanes.json() == {"lanes": 0, "forgotten": 0, "waiting": 1}
    assert (this_lane.status_code, this_lane.json()["type"]) == (409, f"urn:huitou:problem:{problem}")
    assert other_lane.status_code == 404
    assert (await shown(client))["halted"][0]["waits_for"] == waits_for


async def test_epochs_are_the_platforms_business(ground: Ground, client: httpx.AsyncClient) -> None:
    headers = {**bearer("ops:read", "ops:write", merchant_id=ground.merchant), "Idempotency-Key": "k"}
    answers = [
        await client.get(EPOCHS, headers=headers),
        await client.post(EPOCHS, json=REASON, headers=headers),
        await client.post(ACCEPTANCES, json=WHOLE_TOPIC, headers=headers),
    ]

    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (403, "urn:huitou:problem:platform-required")
    }
