"""From facts to one message, or to one reason why not."""

from datetime import timedelta

import pytest

from services.messaging.domain.intents import WAIT
from tests.services.messaging.facts import address, consented, earned, erased, merchant, merged, paid, registered
from tests.services.messaging.messaging import Messaging


async def test_points_become_one_mail_with_everything_that_a_reader_needs(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.send_all()

    [mail] = messaging.mailbox.received
    assert mail.recipient == address("ada")
    assert mail.message["To"] == address("ada")
    assert mail.message["From"] == "Cloud Leaf <hello@mail.example>"
    assert mail.message["Subject"] == "You earned 59 points at Cloud Leaf"
    assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(mail.message["List-Unsubscribe"]).startswith("<http://mail.example/v1/u/")
    assert mail.sender.startswith("bounce+")
    text = mail.message.get_body(("plain",))
    html = mail.message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Thank you, Ada!" in text.get_content()
    assert "59 points" in html.get_content()
    assert "2026-04-08" in html.get_content()
    assert await messaging.outcomes() == [("handed_off", "accepted")]
    [told] = await messaging.told("message.handed_off.v1")
    assert told["customer_id"] == str(registered("ada").fact.customer_id)
    assert told["cause_fact_id"] == str(earned("ada", 1).id)


async def test_facts_told_twice_send_once(messaging: Messaging) -> None:
    facts = [merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1)]
    await messaging.apply(*facts)
    await messaging.send_all()

    await messaging.apply(*facts)
    await messaging.apply(*facts, *facts, batch=1)
    await messaging.send_all()

    assert len(messaging.mailbox.received) == 1
    assert len(await messaging.told("message.handed_off.v1")) == 1
    assert len(await messaging.told("consent.changed.v1")) == 1


@pytest.mark.parametrize("origin", ["backfill", "replay", "correction"])
async def test_points_of_the_past_make_no_intent_at_all(messaging: Messaging, origin: str) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1))

    await messaging.apply(earned("ada", 1, origin=origin))  # type: ignore[arg-type]
    await messaging.send_all()

    assert await messaging.outcomes() == []
    assert messaging.mailbox.received == []


async def test_points_read_before_the_order_wait_for_what_came_with_it(messaging: Messaging) -> None:
    await messaging.apply(earned("ada", 1))
    await messaging.send_all()
    assert await messaging.outcomes() == [("waiting", None)]

    await messaging.apply(merchant(), registered("ada"), consented("ada"), batch=1)
    await messaging.send_all()
    assert await messaging.outcomes() == [("waiting", None)]

    await messaging.apply(paid("ada", 1))
    await messaging.send_all()

    assert await messaging.outcomes() == [("handed_off", "accepted")]
    assert messaging.mailbox.recipients == [address("ada")]


async def test_waiting_and_payment_in_one_batch(messaging: Messaging) -> None:
    await messaging.apply(earned("ada", 1), merchant(), registered("ada"), consented("ada"), paid("ada", 1))

    await messaging.send_all()

    assert await messaging.outcomes() == [("handed_off", "accepted")]


async def test_waiting_ends_with_the_clock(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), earned("ada", 1))
    await messaging.timers.run_due()
    await messaging.send_all()
    assert await messaging.outcomes() == [("waiting", None)]

    messaging.clock.advance(WAIT)
    await messaging.timers.run_due()
    await messaging.send_all()

    assert await messaging.outcomes() == [("handed_off", "accepted")]


@pytest.mark.parametrize("state", ["unknown", "unsubscribed", "pending_double_opt_in"])
async def test_without_consent_nothing_is_sent(messaging: Messaging, state: str) -> None:
    await messaging.apply(
        merchant(),
        registered("ada"),
        consented("ada", state),  # type: ignore[arg-type]
        paid("ada", 1),
        earned("ada", 1),
    )

    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "consent")]
    [told] = await messaging.told("message.not_sent.v1")
    assert (told["outcome"], told["reason"]) == ("suppressed", "consent")
    assert messaging.mailbox.received == []


async def test_consent_withdrawn_after_planning_counts(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.apply(consented("ada", "unsubscribed", minutes=5))
    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "consent")]


async def test_customer_without_address(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada", email=None), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "no_address")]


@pytest.mark.parametrize(
    "written", ["ada@", "ada@nowhere", "a b@shop.example", "ada@shop.example\r\nBcc: eve@x.example"]
)
async def test_address_that_cannot_be_written_to(messaging: Messaging, written: str) -> None:
    await messaging.apply(
        merchant(), registered("ada", email=written), consented("ada"), paid("ada", 1), earned("ada", 1)
    )

    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "invalid_address")]
    assert messaging.mailbox.received == []


async def test_cap_lets_three_of_five_through(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"))
    for order in range(5):
        await messaging.apply(paid("ada", order), earned("ada", order))

    await messaging.send_all()

    assert await messaging.outcomes() == [("handed_off", "accepted")] * 3 + [("suppressed", "cap")] * 2


async def test_cap_forgets_after_its_window(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"))
    for order in range(3):
        await messaging.apply(paid("ada", order), earned("ada", order))
    await messaging.send_all()

    messaging.clock.advance(timedelta(days=7, seconds=1))
    await messaging.apply(paid("ada", 4), earned("ada", 4))
    await messaging.send_all()

    assert await messaging.outcomes() == [("handed_off", "accepted")] * 4


async def test_message_that_could_not_go_out_for_days_is_news_no_more(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    messaging.clock.advance(timedelta(days=3, seconds=1))
    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "stale")]


async def test_erased_customer_is_not_written_to_nor_described_again(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.apply(erased("ada"), registered("ada", version=20), consented("ada", minutes=99))
    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "erased")]
    [contact] = await messaging.rows("SELECT details, email_hash, erased_at IS NOT NULL AS gone FROM contact")
    assert contact == {"details": None, "email_hash": None, "gone": True}
    assert await messaging.rows("SELECT * FROM consent") == []
    assert await messaging.rows("SELECT * FROM consent_entry") == []


async def test_two_merchants_do_not_meet(messaging: Messaging) -> None:
    other = merchant(registered("x").fact.customer_id)
    await messaging.apply(merchant(), other, registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.send_all()

    assert [row["n"] for row in await messaging.rows("SELECT count(*) AS n FROM merchant")] == [2]
    assert await messaging.outcomes() == [("handed_off", "accepted")]


async def test_facts_of_a_customer_may_come_before_their_merchant(messaging: Messaging) -> None:
    await messaging.apply(registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.apply(merchant())
    await messaging.send_all()

    [mail] = messaging.mailbox.received
    assert mail.message["Subject"] == "You earned 59 points at Cloud Leaf"


async def test_merged_customers_share_address_and_the_stricter_consent(messaging: Messaging) -> None:
    await messaging.apply(
        merchant(), registered("ada"), consented("ada", "unsubscribed"), registered("bea", email=None)
    )
    await messaging.apply(consented("bea", minutes=60))

    await messaging.apply(merged("ada", "bea"))
    await messaging.apply(paid("bea", 1), earned("bea", 1), paid("ada", 2), earned("ada", 2))
    await messaging.send_all()

    assert await messaging.outcomes() == [("suppressed", "consent")] * 2
    [alias] = await messaging.rows("SELECT details, merged_into FROM contact WHERE merged_into IS NOT NULL")
    assert alias == {"details": None, "merged_into": registered("bea").fact.customer_id}


async def test_intent_of_an_absorbed_customer_reaches_the_survivor_once(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))

    await messaging.apply(merged("ada", "bea"), earned("ada", 1))
    await messaging.send_all()

    assert messaging.mailbox.recipients == [address("ada")]
    [told] = await messaging.told("message.handed_off.v1")
    assert told["customer_id"] == str(registered("bea").fact.customer_id)


async def test_older_merge_the_other_way_round_gives_way(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada"), registered("bea"))

    await messaging.apply(
        merged("ada", "bea", version=2), merged("bea", "ada", version=3), merged("ada", "bea", version=2)
    )

    rows = await messaging.rows("SELECT customer_id, merged_into FROM contact")
    survivor, gone = registered("ada").fact.customer_id, registered("bea").fact.customer_id
    assert {row["customer_id"]: row["merged_into"] for row in rows} == {survivor: None, gone: survivor}


async def test_older_description_does_not_win(messaging: Messaging) -> None:
    await messaging.apply(merchant(), registered("ada", version=3), consented("ada"))

    await messaging.apply(registered("ada", version=2, email="old@shop.example"), paid("ada", 1), earned("ada", 1))
    await messaging.send_all()

    assert messaging.mailbox.recipients == [address("ada")]
