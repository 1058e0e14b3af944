"""Withdrawals from marketing are pushed back to the shops that know the customer, once, and never over a later word."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from libs.contracts.customers import ConsentCapturedV1, ConsentProof
from services.order_ingest.adapters.store_apis.by_platform import consent_apis
from tests.services.order_ingest.asking import Clockwork
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.heard import Ears, event, withdrawn
from tests.services.order_ingest.stores.shopify_admin import TOKEN, ShopifyAdmin

_CUSTOMER = 207119551
_EMAIL = (str(_CUSTOMER), "email")
_SMS = (str(_CUSTOMER), "sms")


@dataclass
class Desk:
    """A Shopify shop with a customer who has subscribed, known here, and the stand-in of its API."""

    ears: Ears
    shop: Shop
    server: ShopifyAdmin
    customer_id: UUID

    @property
    def now(self) -> datetime:
        return self.ears.house.clock.now()

    async def withdraw(self, **changes: Any) -> None:
        """Messaging says so, and stores are told."""
        told = event(withdrawn(self.customer_id, **{"at": self.now, **changes}), self.shop.merchant_id)
        await self.ears.hear(told)
        await self.ears.settle()

    @property
    def states(self) -> list[str]:
        """What the shop has on record for e-mail and for text messages."""
        return [self.server.consents[each][0] for each in (_EMAIL, _SMS)]

    async def outcomes(self) -> list[tuple[str, str | None]]:
        rows = await self.ears.house.rows(
            "SELECT state, outcome ->> 'reason' AS reason FROM effect WHERE kind = 'consent.withdraw'"
        )
        return [(row["state"], row["reason"]) for row in rows]


def _customer(at: datetime, **changes: Any) -> dict[str, Any]:
    stated = {
        "id": _CUSTOMER,
        "email": "ada@example.com",
        "created_at": "2026-01-02T10:00:00Z",
        "updated_at": at.isoformat(),
        "first_name": "Ada",
        "last_name": "L",
    }
    return {**stated, **changes}


def _email_consent(state: str, at: datetime) -> dict[str, Any]:
    return {
        "email_marketing_consent": {
            "state": state,
            "opt_in_level": "single_opt_in",
            "consent_updated_at": at.isoformat(),
        }
    }


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Desk]:
    shop, server = await house.shop(), ShopifyAdmin()
    before = (house.clock.now() - timedelta(days=30)).isoformat()
    server.consents = {_EMAIL: ("SUBSCRIBED", before), _SMS: ("SUBSCRIBED", before)}
    await Clockwork(house, {}).reach(shop, access_token=TOKEN)
    await house.deliver(shop, "customers/create", _customer(house.clock.now() - timedelta(days=1)))
    await house.normaliser.drain()
    [row] = await house.rows("SELECT customer_id FROM customer")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=server.app)) as http:
        yield Desk(Ears(house, consents=consent_apis(http)), shop, server, row["customer_id"])


async def test_the_shop_has_the_withdrawal_on_record_with_its_time(desk: Desk) -> None:
    at = desk.now
    await desk.withdraw()

    assert desk.states == ["UNSUBSCRIBED", "SUBSCRIBED"]
    assert datetime.fromisoformat(desk.server.consents[_EMAIL][1]) == at
    assert await desk.outcomes() == [("done", None)]
    assert desk.ears.counted == [("consent.withdraw", "done")]


async def test_text_messages_are_a_channel_of_their_own(desk: Desk) -> None:
    await desk.withdraw(channel="sms")

    assert desk.states == ["SUBSCRIBED", "UNSUBSCRIBED"]


@pytest.mark.parametrize(
    "changes",
    [
        {"to_state": "subscribed", "from_state": "unsubscribed"},
        {"to_state": "pending_double_opt_in"},
        {"topic": "service"},
        {"channel": "whatsapp"},
    ],
)
async def test_nothing_else_is_pushed_back(desk: Desk, changes: dict[str, Any]) -> None:
    await desk.withdraw(**changes)

    assert desk.server.operations == []
    assert await desk.outcomes() == []


async def test_the_same_event_twice_tells_once(desk: Desk) -> None:
    told = event(withdrawn(desk.customer_id, desk.now), desk.shop.merchant_id)
    await desk.ears.hear(told, told)
    await desk.ears.settle()
    await desk.ears.hear(told)
    await desk.ears.settle()

    assert desk.server.operations == ["customerEmailMarketingConsentUpdate"]


async def test_a_withdrawal_that_came_from_the_shop_is_told_again_and_changes_nothing(desk: Desk) -> None:
    at = desk.now - timedelta(hours=1)
    desk.server.consents[_EMAIL] = ("UNSUBSCRIBED", at.isoformat().replace("+00:00", "Z"))
    before = dict(desk.server.consents)

    await desk.withdraw(at=at, proof=ConsentProof(source="shopify", at=at))

    assert {key: value[0] for key, value in desk.server.consents.items()} == {key: v[0] for key, v in before.items()}
    assert datetime.fromisoformat(desk.server.consents[_EMAIL][1]) == at


async def test_a_shop_that_is_away_is_told_later(desk: Desk) -> None:
    desk.server.fail_next(503)
    await desk.withdraw()
    before = desk.states
    await desk.ears.pass_time(minutes=5)

    assert (before, desk.states) == (["SUBSCRIBED", "SUBSCRIBED"], ["UNSUBSCRIBED", "SUBSCRIBED"])


async def test_a_shop_that_refuses_is_asked_once_and_counted(desk: Desk) -> None:
    desk.server.scopes.clear()
    await desk.withdraw()
    await desk.ears.pass_time(hours=1)

    assert await desk.outcomes() == [("failed", "GraphQL error ACCESS_DENIED")]
    assert desk.ears.counted == [("consent.withdraw", "failed")]
    assert len(desk.server.operations) == 1


async def test_a_customer_who_subscribed_again_meanwhile_is_left_alone(desk: Desk) -> None:
    desk.server.fail_next(503)
    await desk.withdraw()
    later = desk.now + timedelta(seconds=30)
    await desk.ears.house.deliver(
        desk.shop, "customers/update", _customer(later, **_email_consent("subscribed", later))
    )
    await desk.ears.house.normaliser.drain()
    await desk.ears.pass_time(minutes=5)

    assert await desk.outcomes() == [("dropped", "the customer has subscribed again since")]
    assert desk.states == ["SUBSCRIBED", "SUBSCRIBED"]


async def test_the_hook_that_the_shop_sends_in_answer_says_no_subscription(desk: Desk) -> None:
    await desk.withdraw()
    state, at = desk.server.consents[_EMAIL]
    answer = _customer(desk.now, **_email_consent(state.lower(), datetime.fromisoformat(at)))
    await desk.ears.house.deliver(desk.shop, "customers/update", answer)
    await desk.ears.house.normaliser.drain()

    captured = await desk.ears.house.facts("consent.captured")
    said = [fact.state for fact in captured if isinstance(fact, ConsentCapturedV1) and fact.channel == "email"]
    assert set(said) <= {"unsubscribed"}


async def test_a_customer_who_was_merged_is_told_of_by_all_ids(desk: Desk) -> None:
    survivor = UUID(int=5)
    await _execute(
        desk.ears.house,
        "INSERT INTO customer (merchant_no, customer_id, strength, store_id, identity_version, platform_stores,"
        " registered_at, updated_at) SELECT merchant_no, :survivor, 0, store_id, 1, platform_stores, registered_at,"
        " updated_at FROM customer WHERE customer_id = :absorbed",
        survivor=survivor,
        absorbed=desk.customer_id,
    )
    await _execute(desk.ears.house, "UPDATE identity SET customer_id = :survivor", survivor=survivor)
    await _execute(
        desk.ears.house,
        "UPDATE customer SET merged_into = :survivor WHERE customer_id = :absorbed",
        survivor=survivor,
        absorbed=desk.customer_id,
    )
    desk.server.consents["8", "email"] = desk.server.consents[_EMAIL]
    await _execute(
        desk.ears.house,
        "INSERT INTO identity SELECT merchant_no, 0, store_no, '8', customer_id FROM identity WHERE strength = 0",
    )

    await desk.withdraw()

    assert desk.server.consents["8", "email"][0] == desk.server.consents[_EMAIL][0] == "UNSUBSCRIBED"


async def _execute(house: House, statement: str, **values: Any) -> None:
    async with house.worker.begin() as uow:
        await uow.connection.execute(text(statement), values)


async def test_a_customer_whom_no_shop_has_an_id_for_needs_nobody(desk: Desk) -> None:
    unknown = event(withdrawn(UUID(int=9), desk.now), desk.shop.merchant_id)
    elsewhere = event(withdrawn(desk.customer_id, desk.now), await desk.ears.house.merchant("Other"))
    await desk.ears.hear(unknown, elsewhere)
    await desk.ears.settle()

    assert await desk.outcomes() == []


async def test_a_customer_who_is_forgotten_meanwhile_is_told_of_nowhere(desk: Desk) -> None:
    await desk.ears.hear(event(withdrawn(desk.customer_id, desk.now), desk.shop.merchant_id))
    await _execute(desk.ears.house, "DELETE FROM identity")
    await desk.ears.settle()

    assert await desk.outcomes() == [("dropped", "the store has no id for the customer any more")]
    assert desk.server.operations == []


async def test_a_shop_without_access_is_not_told(house: House, desk: Desk) -> None:
    await Clockwork(house, {}).send(desk.shop, "DELETE", "/access")
    await desk.withdraw()

    assert await desk.outcomes() == []


async def test_rows_hold_nothing_that_the_shop_calls_the_customer_by(house: House, desk: Desk) -> None:
    await desk.withdraw()

    kept = str(await house.rows("SELECT key, payload, outcome FROM effect WHERE kind = 'consent.withdraw'"))
    assert str(_CUSTOMER) not in kept
    assert "ada@example.com" not in kept
    assert str(desk.customer_id) in kept
