"""What single facts do to profiles, timelines and segments, on a real database."""

from itertools import count
from typing import Any

import pytest

from libs.contracts.commerce import CustomerErasedV1, CustomerUpdatedV1, StoreUpsertedV1
from libs.contracts.loyalty import PointsBalance, PointsCause, PointsEarnedV1, TierMeasure, TierUpgradedV1
from libs.contracts.messaging import MessageHandedOffV1
from tests.services.segmentation.conftest import Folded
from tests.services.segmentation.facts import Teller, at, fx, ident

_shops = count()


@pytest.fixture
def tell() -> Teller:
    return Teller(merchant_id=ident("folding shop", next(_shops)))


async def profile(folded: Folded, tell: Teller, name: object) -> dict[str, Any]:
    rows = (await folded.state(tell.merchant_id))["customers"]
    return next(row for row in rows if row["customer_id"] == ident("customer", name))


async def kinds(folded: Folded, tell: Teller, name: object) -> list[str]:
    entries = await folded.reads.profiles.timeline(tell.merchant_id, ident("customer", name), before=None, limit=100)
    assert entries is not None
    return [entry.kind for entry in entries]


async def test_an_order_is_counted_in_its_customers_profile(folded: Folded, tell: Teller) -> None:
    await folded.apply(
        [tell.merchant(), tell.customer("a"), tell.placed("1", "a", at(3), prices=(1200, 300), discount_minor=100)]
    )

    found = await profile(folded, tell, "a")
    assert (found["orders"], found["items"], found["spend_minor"]) == (1, 2, 1500)
    assert (found["discounted_orders"], found["refunds"]) == (1, 0)
    assert found["first_order_at"] == found["last_order_at"] == found["first_qualifying_at"] == at(3)
    assert found["second_qualifying_at"] is None


async def test_money_of_another_currency_counts_at_the_pinned_rate_or_not_at_all(folded: Folded, tell: Teller) -> None:
    await folded.apply(
        [
            tell.merchant(),
            tell.placed("1", "a", at(1), prices=(1005,), currency="EUR", fx=fx("USD", "1.1")),
            tell.placed("2", "a", at(2), prices=(777,), currency="EUR"),
            tell.placed("3", "a", at(3), prices=(777,), currency="EUR", fx=fx("CNY", "7.8")),
            tell.placed("4", "a", at(4), prices=(1000,), currency="JPY", fx=fx("USD", "0.0067")),
        ]
    )

    found = await profile(folded, tell, "a")
    assert (found["orders"], found["foreign_orders"]) == (4, 2)
    # 10.05 EUR at 1.1 is 11.055 USD, half to even 1106 (a five before nothing goes to the even cent); 1000 JPY is 6.70.
    assert found["spend_minor"] == 1106 + 670


async def test_gift_cards_are_no_spend_and_no_items_sold_or_refunded(folded: Folded, tell: Teller) -> None:
    await folded.apply(
        [
            tell.merchant(),
            tell.placed("1", "a", at(1), prices=(1000,), gift_cards=(5000,)),
            tell.refunded("1", "a", at(2), [100, 5000]),
        ]
    )

    found = await profile(folded, tell, "a")
    assert (found["items"], found["spend_minor"], found["refunded_minor"]) == (1, 900, 5100)


async def test_a_cancelled_order_takes_its_refunds_and_edges_along(folded: Folded, tell: Teller) -> None:
    await folded.apply(
        [
            tell.merchant(),
            tell.placed("1", "a", at(1)),
            tell.placed("2", "a", at(40)),
            tell.refunded("1", "a", at(5), [400]),
            tell.cancelled("1", "a", at(6)),
        ]
    )

    found = await profile(folded, tell, "a")
    assert (found["orders"], found["spend_minor"], found["refunds"], found["refunded_minor"]) == (1, 1000, 0, 0)
    assert (found["first_order_at"], found["first_qualifying_at"]) == (at(40), at(40))


async def test_the_regular_is_in_the_segment_until_an_order_is_cancelled(alone: Folded, tell: Teller) -> None:
    await alone.apply([tell.merchant(), tell.placed("1", "a", at(1), prices=(1, 2), discount_minor=1)])
    await alone.apply([second := tell.placed("2", "a", at(2), prices=(3,))])
    await alone.apply([gone := tell.cancelled("2", "a", at(3))])

    stays = await alone.rows("SELECT entered_at, entered_by, left_at, left_by FROM segment_stay")
    assert stays == [{"entered_at": at(2), "entered_by": second.id, "left_at": at(3), "left_by": gone.id}]
    regular = str(ident("customer", "a"))
    assert await alone.told() == [("segment.entered.v1", regular), ("segment.left.v1", regular)]


async def test_a_move_into_a_segment_keeps_the_origin_of_its_cause(alone: Folded, tell: Teller) -> None:
    orders = [tell.placed(n, "a", at(n), prices=(1, 2), discount_minor=1) for n in range(2)]
    history = [tell.event(order.fact, order.envelope.occurred_at, origin="backfill") for order in orders]

    await alone.apply([tell.merchant(), *history])

    (told,) = await alone.rows("SELECT headers FROM outbox")
    assert '"ce_origin":"backfill"' in told["headers"].replace(" ", "")


async def test_one_batch_lets_a_customer_in_and_out_and_in(folded: Folded, tell: Teller) -> None:
    await folded.apply(
        [
            tell.merchant(),
            tell.placed("1", "a", at(1), prices=(1, 2), discount_minor=1),
            tell.placed("2", "a", at(2), prices=(3,)),
            tell.cancelled("2", "a", at(3)),
            tell.placed("3", "a", at(4), prices=(3,)),
        ]
    )

    seen = [kind for kind in await kinds(folded, tell, "a") if kind.startswith("segment")]
    assert seen == ["segment.entered", "segment.left", "segment.entered"]
    assert len((await folded.state(tell.merchant_id))["members"]) == 1


async def test_what_other_services_did_is_in_the_timeline_of_whom_the_customer_became(
    folded: Folded, tell: Teller
) -> None:
    customer_id = ident("customer", "a")
    await folded.apply([tell.merchant(), tell.merged("a", "b", when=at(1)), *other_services(tell)])

    assert await kinds(folded, tell, "b") == ["message.handed_off", "tier.upgraded", "points.earned", "customer.merged"]
    assert await kinds(folded, tell, "a") == await kinds(folded, tell, "b")
    assert customer_id != ident("customer", "b")


def other_services(tell: Teller) -> list[Any]:
    customer_id = ident("customer", "a")
    earned = PointsEarnedV1(
        customer_id=customer_id,
        programme_id=ident("programme"),
        entry_id=ident("entry"),
        wallet="points",
        points=12,
        balance=PointsBalance(usable=0, pending=12, held=0, debt=0),
        cause=PointsCause(order_id=ident("order", "1")),
        at=at(2),
        available_at=at(32),
    )
    climbed = TierUpgradedV1(
        customer_id=customer_id,
        programme_id=ident("programme"),
        programme_version=1,
        from_tier=None,
        to_tier="silver",
        since=at(3),
        measure=TierMeasure(qualifying_minor=50000, currency="USD"),
    )
    mailed = MessageHandedOffV1(
        customer_id=customer_id,
        message_id=ident("message"),
        intent_id=ident("intent"),
        cause_fact_id=ident("fact"),
        channel="email",
        message_class="marketing",
        template_id=ident("template"),
        template_version=1,
        at=at(4),
    )
    return [tell.event(earned, at(2)), tell.event(climbed, at(3)), tell.event(mailed, at(4))]


async def test_the_newest_description_of_a_customer_stands_and_an_erased_one_has_none(
    folded: Folded, tell: Teller
) -> None:
    customer_id = ident("customer", "a")
    updated = CustomerUpdatedV1(customer_id=customer_id, identity_version=3, locale="de-DE", updated_at=at(3))
    erased = CustomerErasedV1(customer_id=customer_id, identity_version=4, erased_at=at(9))
    await folded.apply([tell.merchant(), tell.event(updated, at(3)), tell.customer("a", anonymous=True)])
    before = await profile(folded, tell, "a")

    await folded.apply([tell.event(erased, at(9)), tell.customer("a", version=9)])

    after = await profile(folded, tell, "a")
    assert (before["locale"], before["anonymous"], before["registered_at"]) == ("de-DE", False, at(-10))
    assert (after["locale"], after["erased_at"]) == (None, at(9))


async def test_a_store_is_as_its_newest_version_says(folded: Folded, tell: Teller) -> None:
    def store(version: int, name: str) -> Any:
        fact = StoreUpsertedV1(
            store_id=ident("store"),
            platform="shopify",
            account="tea",
            name=name,
            currency="USD",
            time_zone="UTC",
            return_window_days=30,
            version=version,
            at=at(version),
        )
        return tell.event(fact, at(version))

    await folded.apply([tell.merchant(), store(2, "new"), store(1, "old")])
    await folded.apply([store(1, "old")])

    rows = await folded.rows(
        "SELECT s.name FROM store s JOIN merchant m USING (merchant_no) WHERE merchant_id = :id", id=tell.merchant_id
    )
    assert rows == [{"name": "new"}]
