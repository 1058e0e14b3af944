"""What people wrote about somebody who asked to be forgotten is gone from every table; the amounts stay."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import httpx
import pytest

from libs.contracts.envelope import Event
from services.loyalty.application.adjust_points import Adjustment, adjust_points
from services.loyalty.application.telling import Heard
from services.loyalty.application.workspace import Member, Workspace
from tests.remains import remains
from tests.services.loyalty.facts import DAY, MERCHANT, START, Facts, uid
from tests.services.loyalty.stage import Stage
from tests.services.loyalty.stored_world import transact
from tests.services.loyalty.web import client_of

WORDS = ("Ada Lovelace", "lost her parcel")
REASON = "Ada Lovelace lost her parcel"


async def adjust(client: httpx.AsyncClient, name: str, points: int = 100, *, reason: str = REASON) -> None:
    body = {"customer_id": str(uid(name)), "points": points, "reason": reason}
    answer = await client.post("/v1/adjustments", json=body, headers={"Idempotency-Key": f"{name}{points}"})
    assert answer.status_code == 201, answer.text


async def adjusted(stage: Stage, name: str, key: str) -> None:
    """The same without a web server around it."""

    def command(workspace: Workspace, member: Member) -> None:
        heard = Heard(workspace.merchant(MERCHANT), stage.clock.now())
        adjust_points(workspace, heard, member, Adjustment(uid(name), 10, REASON), client="ops", key=key)

    await transact(stage, MERCHANT, name, command)


async def test_words_about_an_erased_member_are_gone_and_amounts_stay(stage: Stage, tell: Facts) -> None:
    order = [tell.placed("ada", "o", 5_000), tell.paid("ada", "o")]
    await stage.hear(tell.merchant(), tell.customer("ada"), *order, tell.customer("bea"))
    async with client_of(stage) as client:
        await adjust(client, "ada")
        await adjust(client, "bea", reason="a gift")
    before, digest = await stage.balance("ada"), await stage.digest()
    assert await remains(stage.urls.owner, WORDS) == ["txn.reason"]

    await stage.hear(tell.erased("ada", request="r"))

    assert await remains(stage.urls.owner, WORDS) == []
    assert (await stage.balance("ada"), await stage.digest()) == (before, digest)
    assert await stage.broken() == []
    reasons = await stage.rows("SELECT reason FROM txn WHERE reason IS NOT NULL ORDER BY reason")
    assert [row["reason"] for row in reasons] == ["a gift", "order paid"]


async def test_no_words_are_kept_about_an_erased_member_later(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.erased("ada"))
    await stage.hear(tell.customer("ada"), tell.placed("ada", "o", 5_000), tell.paid("ada", "o"))

    async with client_of(stage) as client:
        await adjust(client, "ada")

    assert await remains(stage.urls.owner, WORDS) == []
    assert (await stage.balance("ada")).usable == 100 + 50
    [told] = await stage.told("points.adjusted")
    assert (told["points"], told["reason"]) == (100, "")


async def test_aliases_of_aliases_are_forgotten_with_their_survivor(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), *(tell.customer(name) for name in "abcd"))
    for name in "abcd":
        await adjusted(stage, name, name)
    await stage.hear(tell.merged("a", "b"), tell.merged("b", "c"))

    await stage.hear(tell.erased("c"))

    left = await stage.rows(
        "SELECT owner FROM txn JOIN account USING (account_id) WHERE reason = :reason", reason=REASON
    )
    assert [row["owner"] for row in left] == [uid("d")]


@pytest.mark.parametrize("erased", ["absorbed", "survivor"])
async def test_in_any_order_the_person_is_gone(stage: Stage, tell: Facts, erased: str) -> None:
    def steps(n: int) -> list[Callable[[], Awaitable[None]]]:
        absorbed, survivor = f"absorbed{n}", f"survivor{n}"
        told: list[Event[Any]] = [
            tell.customer(absorbed),
            tell.placed(absorbed, f"o{n}", 5_000),
            tell.merged(absorbed, survivor),
            tell.erased(f"{erased}{n}"),
        ]
        wrote = [lambda: adjusted(stage, absorbed, f"1.{n}"), lambda: adjusted(stage, survivor, f"2.{n}")]
        return [*(lambda event=event: stage.hear(event) for event in told), *wrote]

    orders = list(permutations(range(6)))[::11]
    await stage.hear(tell.merchant())

    for n, order in enumerate(orders):
        each = steps(n)
        for place in order:
            await each[place]()

    assert await remains(stage.urls.owner, WORDS) == []
    stood = await stage.rows("SELECT count(*) AS n FROM account WHERE alias_of IS NULL AND erased_at IS NOT NULL")
    assert stood == [{"n": len(orders)}]
    assert await stage.broken() == []


async def test_a_newer_merge_takes_the_erasure_along(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.merged("a", "b", version=2), tell.erased("a"))

    await stage.hear(tell.merged("a", "c", version=3))
    await adjusted(stage, "c", "late")

    assert await remains(stage.urls.owner, WORDS) == []


async def test_of_two_erasures_the_earlier_stands(stage: Stage, tell: Facts) -> None:
    later, earlier = tell.erased("a"), Facts(at=START - DAY, told=50).erased("a")
    await stage.hear(tell.merchant(), later, earlier)

    assert await stage.rows("SELECT erased_at FROM account WHERE erased_at IS NOT NULL") == [{"erased_at": START - DAY}]


async def test_each_request_is_answered_and_nobody_else(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.customer("ada"))
    tell.at = START + timedelta(hours=1)
    unknown = tell.erased("never heard of", request="unknown")

    await stage.hear(tell.erased("ada", request="known"), unknown, tell.erased("bea"), tell.store_erased("shop"))

    told = {fact["request_id"]: fact for fact in await stage.told("erasure.completed")}
    assert told.keys() == {str(uid(name)) for name in ("known", "unknown", "shop")}
    assert told[str(uid("unknown"))] == {
        "type": "erasure.completed.v1",
        "erased_id": str(uid("never heard of")),
        "kind": "customer",
        "request_id": str(uid("unknown")),
        "service": "loyalty",
        "completed_at": "2025-01-01T01:00:00Z",
    }
    assert told[str(uid("shop"))]["kind"] == "store"
    rows = await stage.rows("SELECT topic, CAST(headers AS jsonb) AS h FROM outbox WHERE type LIKE 'erasure%'")
    assert {row["topic"] for row in rows} == {"loyalty"}
    assert str(unknown.id) in {row["h"]["ce_causationid"] for row in rows}
