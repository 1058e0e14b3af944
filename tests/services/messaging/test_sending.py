"""The sender: one outcome for every intent, whatever the relay does."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from libs.servicekit.effect_sender import EffectSender
from libs.servicekit.effects import Retry
from tests.services.messaging.facts import address, consented, earned, merchant, paid, registered
from tests.services.messaging.messaging import Messaging


@pytest.fixture
async def planned(messaging: Messaging) -> Messaging:
    """One message is ready to go to ada."""
    await messaging.apply(merchant(), registered("ada"), consented("ada"), paid("ada", 1), earned("ada", 1))
    return messaging


async def test_refused_recipient_is_final(planned: Messaging) -> None:
    planned.mailbox.refuse_rcpt = lambda _: "550 5.1.1 no such user"

    await planned.send_all()

    assert await planned.outcomes() == [("failed", "rejected")]
    [told] = await planned.told("message.not_sent.v1")
    assert (told["outcome"], told["reason"]) == ("failed", "rejected")


async def test_busy_relay_is_asked_again_later(planned: Messaging) -> None:
    planned.mailbox.refuse_data = lambda _: "451 4.3.0 try again"
    await planned.sender.run_once()
    assert await planned.outcomes() == [("claimed", None)]

    planned.mailbox.refuse_data = lambda _: None
    planned.clock.advance(timedelta(minutes=10))
    await planned.send_all()

    assert await planned.outcomes() == [("handed_off", "accepted")]
    assert len(planned.mailbox.received) == 1


async def test_relay_that_stays_busy_is_given_up(planned: Messaging) -> None:
    planned.mailbox.refuse_data = lambda _: "451 4.3.0 try again"

    for _ in range(12):
        await planned.send_all()
        planned.clock.advance(timedelta(minutes=10))

    assert await planned.outcomes() == [("failed", "gave_up")]


async def test_consent_is_asked_again_before_each_attempt(planned: Messaging) -> None:
    planned.mailbox.refuse_data = lambda _: "451 4.3.0 try again"
    await planned.sender.run_once()

    planned.mailbox.refuse_data = lambda _: None
    await planned.apply(consented("ada", "unsubscribed", minutes=5))
    planned.clock.advance(timedelta(minutes=10))
    await planned.send_all()

    assert await planned.outcomes() == [("suppressed", "consent")]
    assert planned.mailbox.received == []


async def test_line_cut_inside_data_is_unknown_and_never_sent_again(planned: Messaging) -> None:
    planned.mailbox.hang_up = True
    await planned.send_all()

    planned.mailbox.hang_up = False
    planned.clock.advance(timedelta(days=1))
    await planned.send_all()

    assert await planned.outcomes() == [("unknown", "connection_lost")]
    assert len(planned.mailbox.received) == 1


async def test_process_that_died_between_claim_and_answer_leaves_unknown(planned: Messaging) -> None:
    [kind] = planned.sender._kinds.items()
    async with AsyncExitStack() as locks:  # a death frees them as this end does
        await planned.sender._claim(*kind, locks)

    await EffectSender(planned.database, dict([kind]), planned.clock).run_once()

    assert await planned.outcomes() == [("unknown", "caller_died")]
    assert planned.mailbox.received == []


async def test_mail_that_waited_too_long_for_a_connection_goes_back(planned: Messaging) -> None:
    [(name, kind)] = planned.sender._kinds.items()
    async with AsyncExitStack() as locks:
        [effect], _ = await planned.sender._claim(name, kind, locks)
        planned.clock.advance(timedelta(seconds=16))
        outcome = await kind.call(effect)

    assert outcome == Retry("relay_slow")
    assert planned.mailbox.received == []


async def test_idle_connection_that_the_relay_closed_costs_no_mail(planned: Messaging) -> None:
    await planned.send_all()
    planned.mailbox.hang_up = True
    await planned.apply(registered("bea"), consented("bea"), paid("bea", 2), earned("bea", 2))
    await planned.send_all()

    planned.mailbox.hang_up = False
    await planned.apply(registered("cid"), consented("cid"), paid("cid", 3), earned("cid", 3))
    await planned.send_all()

    assert planned.mailbox.recipients == [address("ada"), address("bea"), address("cid")]
    assert await planned.outcomes() == [
        ("handed_off", "accepted"),
        ("handed_off", "accepted"),
        ("unknown", "connection_lost"),
    ]


async def test_broken_template_fails_its_messages_only(planned: Messaging) -> None:
    await planned.rows("UPDATE template_version SET html = '{% if %}' RETURNING version")

    await planned.send_all()

    assert await planned.outcomes() == [("failed", "template_broken")]


async def test_unreachable_relay_keeps_the_message(planned: Messaging) -> None:
    planned.sender._kinds["email"]._relay._port = 1  # type: ignore[attr-defined]
    await planned.sender.run_once()
    assert await planned.outcomes() == [("claimed", None)]

    planned.sender._kinds["email"]._relay._port = planned.mailbox.port  # type: ignore[attr-defined]
    planned.clock.advance(timedelta(minutes=10))
    await planned.send_all()

    assert await planned.outcomes() == [("handed_off", "accepted")]


async def test_two_senders_share_the_work_and_the_cap(planned: Messaging) -> None:
    for order in range(2, 8):
        await planned.apply(paid("ada", order), earned("ada", order))
    other = EffectSender(planned.database, planned.sender._kinds, planned.clock, at_once=2)

    while await other.run_once() + await planned.sender.run_once():
        pass

    assert await planned.outcomes() == [("handed_off", "accepted")] * 3 + [("suppressed", "cap")] * 4
    assert len(planned.mailbox.received) == 3


async def test_many_customers_in_one_go(messaging: Messaging) -> None:
    names = [f"c{number}" for number in range(250)]
    facts = [merchant()]
    for name in names:
        facts += [registered(name), consented(name), paid(name, name), earned(name, name)]  # type: ignore[list-item]
    await messaging.apply(*facts)

    await messaging.send_all()

    assert messaging.mailbox.recipients == sorted(address(name) for name in names)
