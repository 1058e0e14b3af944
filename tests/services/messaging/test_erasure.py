"""Whoever asked to be forgotten is gone from every table, in whatever order the facts about them are heard."""

import json
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.commerce import ConsentCapturedV1, ConsentProof, CustomerUpdatedV1
from libs.contracts.envelope import Event
from tests.remains import remains
from tests.services.messaging.facts import (
    MERCHANT,
    NOW,
    SEALER,
    VAULT,
    earned,
    erased,
    ident,
    merchant,
    merged,
    paid,
    registered,
    store_erased,
    told,
)
from tests.services.messaging.messaging import Messaging

WORDS = (
    "ada@lovelace.example",
    SEALER.blind_index(MERCHANT, "email", "ada@lovelace.example"),
    "+44 1815",
    "Augusta",
    "Lovelace",
    "tlh-AQ",
    "Antarctica/Troll",
    "said it at the counter",
    "hash of her address",
)
CLEAR = ["consent.act", "consent_entry.ip_hash", "consent_entry.source", "contact.details", "contact.email_hash"]


def updated(name: object, *, version: int = 2) -> Event[Any]:
    contact = {"email": WORDS[0], "phone": "+44 1815", "given_name": "Augusta", "family_name": "Lovelace"}
    fact = CustomerUpdatedV1(
        customer_id=ident("customer", name),
        identity_version=version,
        contact_sealed=SEALER.seal(contact),
        email_hash=WORDS[1],
        locale="tlh-AQ",
        time_zone="Antarctica/Troll",
        updated_at=NOW,
    )
    return told(fact)


def consented(name: object) -> Event[Any]:
    proof = ConsentProof(source="said it at the counter", ip_hash="hash of her address", at=NOW)
    fact = ConsentCapturedV1(customer_id=ident("customer", name), channel="email", state="subscribed", proof=proof)
    return told(fact)


async def left(messaging: Messaging) -> list[str]:
    """Places that still name the person, the encrypted ones opened."""
    places = await remains(messaging.urls.owner, WORDS, opened=lambda token: json.dumps(SEALER.open(token)))
    rows = await messaging.rows("SELECT customer_id, details FROM contact WHERE details IS NOT NULL")
    opened = [VAULT.decrypt(row["details"], _place(row["customer_id"])).decode() for row in rows]
    named = any(word in each for each in opened for word in WORDS)
    return sorted([*places, "contact.details"] if named else places)


def _place(customer_id: UUID) -> str:
    return f"{MERCHANT}|contact|details|{customer_id}"


def story(name: str) -> list[Event[Any]]:
    return [registered(name), updated(name), consented(name), paid(name, name), earned(name, name)]


async def test_an_erased_customer_is_gone(messaging: Messaging) -> None:
    await messaging.apply(merchant(), *story("ada"))
    assert await left(messaging) == [*CLEAR, "contact.locale", "contact.time_zone"]

    await messaging.apply(erased("ada", request="r"))

    assert await left(messaging) == []
    await messaging.send_all()
    assert await messaging.outcomes() == [("suppressed", "erased")]
    assert await left(messaging) == []


async def test_a_mail_that_went_out_leaves_nothing_personal(messaging: Messaging) -> None:
    await messaging.apply(merchant(), *story("ada"))
    await messaging.send_all()
    assert messaging.mailbox.recipients == [WORDS[0]]

    await messaging.apply(erased("ada"))

    assert await left(messaging) == []
    assert await messaging.outcomes() == [("handed_off", "accepted")]


async def test_what_is_heard_of_an_erased_customer_brings_nobody_back(messaging: Messaging) -> None:
    await messaging.apply(merchant(), erased("ada"))

    await messaging.apply(*story("ada"), updated("ada", version=99), batch=1)

    assert await left(messaging) == []


async def test_a_suppressed_address_stays_as_its_keyed_hash(messaging: Messaging) -> None:
    await messaging.apply(merchant(), *story("ada"))
    async with messaging.database.begin() as uow:
        [row] = await messaging.rows("SELECT merchant_no FROM merchant")
        await uow.connection.exec_driver_sql(
            "INSERT INTO suppression (merchant_no, channel, address_hash, reason, suppression_id, at)"
            " VALUES ($1, 'email', $2, 'manual', gen_random_uuid(), now())",
            (row["merchant_no"], WORDS[1]),
        )

    await messaging.apply(erased("ada"))

    assert await left(messaging) == ["suppression.address_hash"]


async def test_proofs_of_aliases_of_aliases_go_with_their_survivor(messaging: Messaging) -> None:
    people = [fact for name in ("a", "b", "c", "somebody else") for fact in story(name)]
    await messaging.apply(merchant(), *people, merged("a", "b"), merged("b", "c"))

    await messaging.apply(erased("c"))

    owners = await messaging.rows("SELECT customer_id FROM consent_entry")
    assert [row["customer_id"] for row in owners] == [ident("customer", "somebody else")]
    described = await messaging.rows("SELECT customer_id FROM contact WHERE locale IS NOT NULL OR details IS NOT NULL")
    assert [row["customer_id"] for row in described] == [ident("customer", "somebody else")]


@pytest.mark.parametrize("batch", [500, 1])
@pytest.mark.parametrize("gone", ["absorbed", "survivor"])
async def test_in_any_order_the_person_is_gone(messaging: Messaging, gone: str, batch: int) -> None:
    def facts(n: int) -> list[Event[Any]]:
        absorbed, survivor = f"absorbed{n}", f"survivor{n}"
        known = [registered(absorbed), updated(absorbed), updated(survivor), consented(absorbed), paid(absorbed, n)]
        return [*known, merged(absorbed, survivor), erased(f"{gone}{n}")]

    orders = list(permutations(range(7)))[:: 7 if batch > 1 else 41]
    told_of = [[facts(n)[place] for place in order] for n, order in enumerate(orders)]
    await messaging.apply(merchant())
    if batch > 1:
        # Each step of all the orders in one go: every order cut after each of its facts, for the price of one.
        for step in zip(*told_of, strict=True):
            await messaging.apply(*step)
    else:
        await messaging.apply(*(event for order in told_of for event in order), batch=7)

    assert await left(messaging) == []
    stood = await messaging.rows(
        "SELECT count(*) AS n FROM contact WHERE merged_into IS NULL AND erased_at IS NOT NULL"
    )
    assert stood == [{"n": len(orders)}]


async def test_each_request_is_answered_and_nobody_else(messaging: Messaging) -> None:
    unknown = erased("never heard of", request="unknown")
    await messaging.apply(merchant(), registered("ada"), erased("ada", request="known"), unknown, erased("bea"))
    await messaging.apply(store_erased("shop"))

    answers = {fact["request_id"]: fact for fact in await messaging.told("erasure.completed.v1")}
    assert answers.keys() == {str(ident("request", name)) for name in ("known", "unknown", "shop")}
    assert answers[str(ident("request", "unknown"))] == {
        "erased_id": str(ident("customer", "never heard of")),
        "kind": "customer",
        "request_id": str(ident("request", "unknown")),
        "service": "messaging",
        "completed_at": "2026-03-09T12:00:00Z",
    }
    assert answers[str(ident("request", "shop"))]["kind"] == "store"
    rows = await messaging.rows("SELECT topic, CAST(headers AS jsonb) AS h FROM outbox WHERE type LIKE 'erasure%'")
    assert {row["topic"] for row in rows} == {"messaging"}
    assert str(unknown.id) in {row["h"]["ce_causationid"] for row in rows}
