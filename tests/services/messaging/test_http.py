"""The HTTP API as a merchant's people, and a mail's reader, use it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from services.messaging.adapters.liquid_renderer import LiquidRenderer
from tests.services.messaging.facts import address, consented, earned, erased, ident, merchant, merged, paid, registered
from tests.services.messaging.messaging import Messaging
from tests.services.messaging.web import client_of

ADA = ident("customer", "ada")
OTHER_MERCHANT = ident("other merchant")


@pytest.fixture
async def client(messaging: Messaging, renderer: LiquidRenderer) -> AsyncIterator[httpx.AsyncClient]:
    """The merchant's, after ada got one mail and bea none."""
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))
    await messaging.apply(registered("bea"), paid("bea", 2), earned("bea", 2), merchant(OTHER_MERCHANT))
    await messaging.send_all()
    async with client_of(messaging.urls.api, renderer, messaging.clock) as opened:
        yield opened


async def _template(client: httpx.AsyncClient) -> str:
    return str((await client.get("/v1/templates")).json()["items"][0]["template_id"])


def _unsubscribe_path(messaging: Messaging) -> str:
    link = str(messaging.mailbox.received[0].message["List-Unsubscribe"])
    return urlsplit(link.strip("<>")).path


async def test_summary_counts_outcomes_with_reasons(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/messages/summary")

    assert answer.json() == {
        "total": 2,
        "open": 0,
        "outcomes": [
            {"origin": "live", "outcome": "handed_off", "reason": "accepted", "count": 1},
            {"origin": "live", "outcome": "suppressed", "reason": "consent", "count": 1},
        ],
    }


async def test_decisions_say_why(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/contacts/{ident('customer', 'bea')}/decisions")

    [decision] = answer.json()["items"]
    assert (decision["outcome"], decision["reason"]) == ("suppressed", "consent")
    assert decision["cause_fact_id"] == str(earned("bea", 2).id)
    assert (await client.get(f"/v1/messages/{decision['intent_id']}")).json() == decision


async def test_messages_are_filtered_and_paged(client: httpx.AsyncClient) -> None:
    first = (await client.get("/v1/messages", params={"limit": 1})).json()
    second = (await client.get("/v1/messages", params={"limit": 1, "cursor": first["next_cursor"]})).json()

    assert second["next_cursor"] is None
    assert first["items"] != second["items"]
    suppressed = (await client.get("/v1/messages", params={"state": "suppressed", "reason": "consent"})).json()
    assert [item["customer_id"] for item in suppressed["items"]] == [str(ident("customer", "bea"))]


async def test_contact_shows_consents_and_no_address(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/contacts/{ADA}")

    shown = answer.json()
    assert shown["email_masked"] == "a***@shop.example"
    assert address("ada") not in answer.text
    [consent] = shown["consents"]
    assert (consent["channel"], consent["state"], consent["source"]) == ("email", "subscribed", "checkout")


async def test_absorbed_id_shows_the_survivor(client: httpx.AsyncClient, messaging: Messaging) -> None:
    await messaging.apply(merged("ada", "bea"))

    shown = (await client.get(f"/v1/contacts/{ADA}")).json()

    assert (shown["customer_id"], shown["asked_customer_id"]) == (str(ident("customer", "bea")), str(ADA))
    assert shown["email_masked"] == "b***@shop.example"
    log = (await client.get(f"/v1/contacts/{ADA}/consents")).json()
    assert [entry["source"] for entry in log["items"]] == ["checkout"]
    decisions = (await client.get(f"/v1/contacts/{ADA}/decisions")).json()
    assert len(decisions["items"]) == 2


async def test_an_erasure_reaches_the_stored_answers_about_the_customer(
    client: httpx.AsyncClient, messaging: Messaging
) -> None:
    said = {"channel": "email", "topic": "marketing", "state": "unsubscribed", "source": "Ada called from her office"}
    bea = ident("customer", "bea")
    for customer, key in ((ADA, "call-1"), (bea, "call-2")):
        answer = await client.post(f"/v1/contacts/{customer}/consents", json=said, headers={"Idempotency-Key": key})
        assert answer.status_code == 201
    await messaging.apply(merged("ada", "cy"), erased("cy"))

    again = await client.post(f"/v1/contacts/{ADA}/consents", json=said, headers={"Idempotency-Key": "call-1"})

    assert (again.status_code, again.content, again.headers["Idempotent-Replayed"]) == (201, b"", "true")
    bodies = await messaging.rows("SELECT body FROM idempotency WHERE body <> ''")
    assert [b"Ada called from her office" in bytes(row["body"]) for row in bodies] == [True]
    other = await client.post(f"/v1/contacts/{bea}/consents", json=said, headers={"Idempotency-Key": "call-2"})
    assert other.json() == answer.json()


async def test_recorded_withdrawal_holds_against_a_later_snapshot(
    client: httpx.AsyncClient, messaging: Messaging
) -> None:
    said = {"channel": "email", "topic": "marketing", "state": "unsubscribed", "source": "phone_call"}

    answer = await client.post(f"/v1/contacts/{ADA}/consents", json=said, headers={"Idempotency-Key": "call-1"})
    again = await client.post(f"/v1/contacts/{ADA}/consents", json=said, headers={"Idempotency-Key": "call-1"})

    assert answer.status_code == 201
    assert [consent["state"] for consent in answer.json()["items"]] == ["unsubscribed"]
    assert again.headers["Idempotent-Replayed"] == "true"
    await messaging.apply(consented("ada", snapshot=True, minutes=60 * 48))
    assert (await client.get(f"/v1/contacts/{ADA}")).json()["consents"][0]["state"] == "unsubscribed"
    [told] = [fact for fact in await messaging.told("consent.changed.v1") if fact["to_state"] == "unsubscribed"]
    assert told["proof"]["source"] == "phone_call"


async def test_opening_the_unsubscribe_link_changes_nothing(
    client: httpx.AsyncClient, messaging: Messaging, renderer: LiquidRenderer
) -> None:
    async with client_of(messaging.urls.api, renderer, messaging.clock, merchant_id=None) as reader:
        page = await reader.get(_unsubscribe_path(messaging))

    assert page.status_code == 200
    assert '<form method="post">' in page.text
    assert (await client.get(f"/v1/contacts/{ADA}")).json()["consents"][0]["state"] == "subscribed"


async def test_one_click_unsubscribes_at_once_without_login(
    client: httpx.AsyncClient, messaging: Messaging, renderer: LiquidRenderer
) -> None:
    async with client_of(messaging.urls.api, renderer, messaging.clock, merchant_id=None) as reader:
        for _ in range(2):
            done = await reader.post(_unsubscribe_path(messaging), data={"List-Unsubscribe": "One-Click"})
            assert done.status_code == 200
            assert "set-cookie" not in done.headers

    await messaging.apply(paid("ada", 3), earned("ada", 3))
    await messaging.send_all()

    assert len(messaging.mailbox.received) == 1
    shown = (await client.get(f"/v1/contacts/{ADA}")).json()
    assert shown["consents"][0] | {"at": ""} == {
        "channel": "email",
        "topic": "marketing",
        "state": "unsubscribed",
        "source": "unsubscribe_link",
        "at": "",
    }
    assert shown["suppressed"] == ["unsubscribed"]
    assert len([told for told in await messaging.told("consent.changed.v1") if told["to_state"] == "unsubscribed"]) == 1


async def test_subscribing_again_lifts_the_unsubscription(
    client: httpx.AsyncClient, messaging: Messaging, renderer: LiquidRenderer
) -> None:
    async with client_of(messaging.urls.api, renderer, messaging.clock, merchant_id=None) as reader:
        await reader.post(_unsubscribe_path(messaging))

    await messaging.apply(consented("ada", minutes=60 * 48), paid("ada", 3), earned("ada", 3))
    await messaging.send_all()

    assert len(messaging.mailbox.received) == 2
    assert (await client.get("/v1/suppressions")).json()["items"] == []


@pytest.mark.parametrize("token", ["x", "AAAA", "é", "A" * 84])
async def test_forged_unsubscribe_link_is_unknown(client: httpx.AsyncClient, token: str) -> None:
    assert (await client.get(f"/v1/u/{token}")).status_code == 404
    assert (await client.post(f"/v1/u/{token}")).status_code == 404


async def test_suppressed_address_gets_nothing_until_lifted(client: httpx.AsyncClient, messaging: Messaging) -> None:
    added = await client.post("/v1/suppressions", json={"email": " ADA@shop.example "})
    await messaging.apply(paid("ada", 3), earned("ada", 3))
    await messaging.send_all()
    assert ("suppressed", "suppression") in await messaging.outcomes()

    lifted = await client.delete(f"/v1/suppressions/{added.json()['suppression_id']}")
    await messaging.apply(paid("ada", 4), earned("ada", 4))
    await messaging.send_all()

    assert (added.status_code, lifted.status_code) == (201, 200)
    assert address("ada") not in added.text.lower()
    assert len(messaging.mailbox.received) == 2
    assert (await client.delete(f"/v1/suppressions/{added.json()['suppression_id']}")).status_code == 404


async def test_cap_counts_what_was_sent_before(client: httpx.AsyncClient, messaging: Messaging) -> None:
    assert (await client.get("/v1/policies/cap")).json() == {"messages": 3, "days": 7}

    changed = await client.put("/v1/policies/cap", json={"messages": 1, "days": 30})
    await messaging.apply(paid("ada", 3), earned("ada", 3))
    await messaging.send_all()

    assert changed.json() == {"messages": 1, "days": 30}
    assert ("suppressed", "cap") in await messaging.outcomes()


async def test_published_draft_is_what_the_next_message_says(client: httpx.AsyncClient, messaging: Messaging) -> None:
    versions = f"/v1/templates/{await _template(client)}/versions"
    drafted = await client.post(versions, json={"subject": "Hi {{ given_name }}", "html": "<p>{{ points }}</p>"})
    number = drafted.json()["version"]
    await messaging.apply(paid("ada", 3), earned("ada", 3))

    published = await client.post(f"{versions}/{number}/publication")
    await messaging.apply(paid("ada", 4), earned("ada", 4))
    await messaging.send_all()

    assert (drafted.status_code, number, published.json()["state"]) == (201, 2, "published")
    subjects = sorted(str(mail.message["Subject"]) for mail in messaging.mailbox.received)
    assert subjects == ["Hi Ada", "You earned 59 points at Cloud Leaf", "You earned 59 points at Cloud Leaf"]


async def test_draft_is_changed_with_its_etag_only(client: httpx.AsyncClient) -> None:
    versions = f"/v1/templates/{await _template(client)}/versions"
    first = {"subject": "one", "html": "<p>one</p>"}
    etag = (await client.post(versions, json=first)).headers["ETag"]
    second = {"subject": "two", "html": "<p>two</p>"}

    changed = await client.put(f"{versions}/2", json=second, headers={"If-Match": etag})
    stale = await client.put(f"{versions}/2", json=first, headers={"If-Match": etag})
    without = await client.put(f"{versions}/2", json=first)
    await client.post(f"{versions}/2/publication")
    late = await client.put(f"{versions}/2", json=first, headers={"If-Match": changed.headers["ETag"]})

    assert [each.status_code for each in (changed, stale, without, late)] == [200, 412, 422, 409]
    assert (await client.get(f"{versions}/2")).json()["subject"] == "two"


async def test_broken_liquid_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    versions = f"/v1/templates/{await _template(client)}/versions"

    answer = await client.post(versions, json={"subject": "{{ points | nothing }}", "html": "<p></p>"})

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:huitou:problem:template-broken"
    assert answer.json()["errors"][0]["pointer"] == "/subject"


async def test_preview_escapes_values_and_drops_scripts(client: httpx.AsyncClient) -> None:
    versions = f"/v1/templates/{await _template(client)}/versions"
    html = "<p onclick='x()'>{{ given_name }}</p><script>alert(1)</script>"
    await client.post(versions, json={"subject": "s", "html": html})

    shown = await client.post(f"{versions}/2/previews", json={"context": {"given_name": "<b>Eve</b>"}})

    assert shown.json()["html"] == "<p>&lt;b&gt;Eve&lt;/b&gt;</p>"


async def test_other_merchant_sees_nothing(
    client: httpx.AsyncClient, messaging: Messaging, renderer: LiquidRenderer
) -> None:
    template = await _template(client)
    message = (await client.get("/v1/messages")).json()["items"][0]["intent_id"]

    async with client_of(messaging.urls.api, renderer, messaging.clock, merchant_id=OTHER_MERCHANT) as other:
        assert (await other.get(f"/v1/contacts/{ADA}")).status_code == 404
        assert (await other.get(f"/v1/messages/{message}")).status_code == 404
        assert (await other.get(f"/v1/templates/{template}/versions/1")).status_code == 404
        assert (await other.get("/v1/messages")).json()["items"] == []
        said = {"state": "subscribed", "source": "theft"}
        assert (await other.post(f"/v1/contacts/{ADA}/consents", json=said)).status_code == 404


async def test_scopes_are_asked_for(messaging: Messaging, renderer: LiquidRenderer, client: httpx.AsyncClient) -> None:
    scopes = ("contacts:read",)
    async with client_of(messaging.urls.api, renderer, messaging.clock, scopes=scopes) as reader:
        assert (await reader.get(f"/v1/contacts/{ADA}")).status_code == 200
        said = {"state": "subscribed", "source": "theft"}
        assert (await reader.post(f"/v1/contacts/{ADA}/consents", json=said)).status_code == 403
        assert (await reader.get("/v1/messages/summary")).status_code == 403
    async with client_of(messaging.urls.api, renderer, messaging.clock, merchant_id=None) as nobody:
        assert (await nobody.get("/v1/messages")).status_code == 401


async def test_writes_are_in_the_audit_log(client: httpx.AsyncClient, messaging: Messaging) -> None:
    await client.put("/v1/policies/cap", json={"messages": 1, "days": 30})

    rows = await messaging.rows("SELECT actor, action, target FROM audit_log")

    assert rows == [{"actor": "ada", "action": "policy.cap", "target": "cap"}]
