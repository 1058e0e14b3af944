"""Whoever asks is told all that messaging keeps about them, under every id that they ever had; contacts opened."""

import json
from typing import Any

from libs.contracts.envelope import Event
from services.messaging.bootstrap import exports
from services.messaging.domain.intents import message_id
from tests.exported import opened, shown
from tests.services.messaging.facts import (
    MERCHANT,
    SEAL_KEY,
    SEALER,
    VAULT,
    address,
    asked,
    consented,
    earned,
    erased,
    hashed,
    ident,
    merchant,
    merged,
    paid,
    registered,
    told,
)
from tests.services.messaging.messaging import Messaging
from tests.services.messaging.web import settings

FAMILY = [ident("customer", name) for name in ("a", "b", "ada")]

# Told here a second time, in other words than the service's: whole tables by the ids that the test knows.
_MINE = "customer_id = ANY (CAST(:family AS uuid[]))"
EXPECTED = {
    "contacts": f"SELECT * FROM contact WHERE {_MINE}",
    "consents": f"SELECT * FROM consent WHERE {_MINE}",
    "consent_statements": f"SELECT * FROM consent_entry WHERE {_MINE}",
    "suppressions": "SELECT channel, address_hash, reason, at FROM suppression WHERE address_hash = :hash",
    "messages": f"""
        SELECT i.*, e.state AS sending, coalesce(e.attempts, 0) AS attempts
        FROM intent i LEFT JOIN effect e ON effect_id = intent_id WHERE {_MINE}""",
}
OF_OURS_ALONE = {"merchant_no", "correlation_id", "traceparent", "details"}


async def expected(messaging: Messaging, thing: str) -> list[dict[str, Any]]:
    rows = await messaging.rows(
        EXPECTED[thing], family=FAMILY, **({"hash": hashed("ada")} if ":hash" in EXPECTED[thing] else {})
    )
    for row in rows:
        if thing == "messages":
            row["message_id"] = message_id(row["intent_id"])
        if thing == "contacts":
            place = f"{MERCHANT}|contact|details|{row['customer_id']}"
            plain = json.loads(VAULT.decrypt(row["details"], place)) if row["details"] else []
            row.update(zip(("email", "phone", "given_name", "family_name"), plain, strict=False))
    return shown({name: value for name, value in row.items() if name not in OF_OURS_ALONE} for row in rows)


async def answer(messaging: Messaging, *, request: str = "export") -> dict[str, list[dict[str, Any]]]:
    """What the request is answered with once its time has come."""
    await exports(settings(seal_keys=SEAL_KEY), messaging.database, messaging.clock).run_due()
    facts = await messaging.told("data_export.completed.v1")
    return opened([fact for fact in facts if fact["request_id"] == str(ident("request", request))], SEALER)


def lived(name: str) -> list[Event[Any]]:
    known = [registered(name, locale="en-GB"), consented(name, "unsubscribed"), consented(name, minutes=5)]
    return [*known, paid(name, name), earned(name, name), earned(name, f"{name}'s next", points=7)]


async def blocked(messaging: Messaging, name: str) -> None:
    async with messaging.database.begin() as uow:
        await uow.connection.exec_driver_sql(
            "INSERT INTO suppression (merchant_no, channel, address_hash, reason, suppression_id, at)"
            " SELECT merchant_no, 'email', $1, 'manual', gen_random_uuid(), now() FROM merchant",
            (hashed(name),),
        )


async def test_an_answer_has_exactly_the_rows_of_everybody_whom_the_customer_was(messaging: Messaging) -> None:
    lives = [event for name in ("a", "b", "ada", "bea") for event in lived(name)]
    await messaging.apply(merchant(), *lives, merged("a", "b"), merged("b", "ada"))
    await messaging.send_all()
    await blocked(messaging, "ada")
    await blocked(messaging, "bea")
    await messaging.apply(asked("ada", "1"), asked("a", "2"))

    found = await answer(messaging, request="1")

    assert found.keys() == EXPECTED.keys()
    for thing, rows in found.items():
        assert rows, thing
        assert shown(rows) == await expected(messaging, thing), thing
    assert [contact["email"] for contact in found["contacts"] if "email" in contact] == [address("ada")]
    assert {message["state"] for message in found["messages"]} == {"handed_off", "waiting"}
    assert await answer(messaging, request="2") == found


async def test_every_table_that_names_a_customer_is_in_the_answer(messaging: Messaging) -> None:
    named = await messaging.rows(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('customer_id', 'address_hash', 'email_hash')"
    )
    kept = {"contact", "consent", "consent_entry", "suppression", "intent"}
    repeated = {"idempotency"}  # answers to requests, for as long as one may be sent again: what a consent entry says
    assert {row["table_name"] for row in named} == kept | repeated


async def test_an_unknown_customer_is_answered_with_nothing_and_stays_unknown(messaging: Messaging) -> None:
    await messaging.apply(merchant(), asked("never heard of"))

    assert await answer(messaging) == {}
    assert await messaging.rows("SELECT * FROM contact") == []


async def test_an_erased_customer_is_answered_with_what_is_left(messaging: Messaging) -> None:
    await messaging.apply(merchant(), *lived("ada"), erased("ada"), asked("ada"))

    found = await answer(messaging)

    assert found.keys() == {"contacts", "messages"}
    [contact] = found["contacts"]
    assert (contact["erased_at"], contact["locale"], contact.get("email")) == ("2026-03-09T12:00:00Z", None, None)


async def test_another_merchants_customer_is_not_found(messaging: Messaging) -> None:
    other = ident("another merchant")
    request = told(asked("ada").fact, merchant_id=other)
    await messaging.apply(merchant(), merchant(other), registered("ada"), request)

    assert await answer(messaging) == {}
