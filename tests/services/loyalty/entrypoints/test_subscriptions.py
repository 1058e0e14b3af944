"""Facts in, points and tiers out: the fold over real tables."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from services.loyalty.domain.accounts import Balance
from services.loyalty.domain.entries import Header
from services.loyalty.domain.programmes import default_programme_id
from services.loyalty.domain.spending import spend
from tests.services.loyalty.facts import DAY, MERCHANT, START, Facts, uid
from tests.services.loyalty.interleavings import unmerged_life, woven
from tests.services.loyalty.stage import Stage
from tests.services.loyalty.stored_world import transact


def balance(usable: int = 0, pending: int = 0, held: int = 0, debt: int = 0) -> Balance:
    return Balance(usable=usable, pending=pending, held=held, debt=debt)


async def test_a_paid_order_earns_a_point_per_whole_unit_paid_for_goods(stage: Stage, tell: Facts) -> None:
    order = tell.placed("ann", "o1", 1_999, 5_000, gifts=(1,))

    await stage.hear(tell.merchant(), tell.customer("ann"), order, tell.paid("ann", "o1"))

    assert await stage.balance("ann") == balance(usable=19)
    [earned] = await stage.told("points.earned")
    assert (earned["points"], earned["balance"]["pending"]) == (19, 19)  # as it stood when the order was paid
    assert earned["cause"]["order_id"] == str(uid("o1"))
    assert await stage.broken() == []


async def test_points_are_pending_until_the_return_window_ends(stage: Stage, tell: Facts) -> None:
    tell.at = stage.clock.now()
    await stage.hear(
        tell.merchant(at=START), tell.customer("ann"), tell.placed("ann", "o1", 1_000), tell.paid("ann", "o1")
    )
    assert await stage.balance("ann") == balance(pending=10)

    stage.clock.advance(30 * DAY)
    await stage.look_again()

    assert await stage.balance("ann") == balance(usable=10)
    [activated] = await stage.told("points.activated")
    assert (activated["points"], activated["balance"]["usable"]) == (10, 10)
    await stage.look_again()
    assert len(await stage.told("points.activated")) == 1


async def test_an_unpaid_order_earns_nothing(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.customer("ann"), tell.placed("ann", "o1", 1_000))

    assert await stage.balance("ann") == balance()


async def test_a_customer_is_enrolled_once_and_a_guest_is_not(stage: Stage, tell: Facts) -> None:
    ann = tell.customer("ann")
    await stage.hear(tell.merchant(), ann, ann, tell.customer("guest", anonymous=True))
    await stage.hear(ann)

    [enrolled] = await stage.told("member.enrolled")
    assert enrolled["customer_id"] == str(uid("ann"))
    assert enrolled["programme_id"] == str(default_programme_id(MERCHANT))


async def test_a_refund_takes_back_what_it_refunds_and_shipping_never_raises(stage: Stage, tell: Facts) -> None:
    bought = [tell.merchant(), tell.placed("ann", "o1", 1_000, 2_000), tell.paid("ann", "o1")]
    await stage.hear(*bought, tell.refunded("ann", "o1", 250))
    assert await stage.balance("ann") == balance(usable=27)

    # More goes back than was paid for the goods: shipping and tax are in it.
    await stage.hear(tell.refunded("ann", "o1", 1_500, 2_500))

    assert await stage.balance("ann") == balance()
    assert [each["points"] for each in await stage.told("points.clawed_back")] == [3, 27]
    assert await stage.broken() == []


async def test_what_is_told_again_writes_nothing(stage: Stage, tell: Facts) -> None:
    facts = [tell.merchant(), tell.customer("ann"), tell.placed("ann", "o1", 5_000), tell.paid("ann", "o1")]
    facts.append(tell.refunded("ann", "o1", 1_000))
    await stage.hear(*facts)
    written = await _versions_of_rows(stage)

    for fact in facts[1:]:
        await stage.hear(fact)

    assert {table for table, _ in written} == {"account", "order_state", "award", "lot"}
    assert await _versions_of_rows(stage) == written


async def _versions_of_rows(stage: Stage) -> list[tuple[str, str]]:
    """The transaction that wrote each row last, by table."""
    tables = ("account", "order_state", "award", "lot")
    found = [(table, await stage.rows(f"SELECT CAST(xmin AS text) AS xmin FROM {table}")) for table in tables]
    return sorted((table, row["xmin"]) for table, rows in found for row in rows)


async def test_spent_points_that_are_refunded_become_debt_and_the_next_order_repays(stage: Stage, tell: Facts) -> None:
    redemption = Header(key="redeem", at=stage.clock.now())
    await stage.hear(tell.merchant(), tell.placed("ann", "o1", 3_000), tell.paid("ann", "o1"))
    await transact(stage, MERCHANT, "ann", lambda _, member: spend(member.book, redemption, points=20))

    await stage.hear(tell.cancelled("ann", "o1"))
    assert await stage.balance("ann") == balance(debt=20)
    [back] = await stage.told("points.clawed_back")
    assert (back["points"], back["taken"], back["debt_added"]) == (30, 10, 20)

    await stage.hear(tell.placed("ann", "o2", 5_000), tell.paid("ann", "o2"))
    assert await stage.balance("ann") == balance(usable=30)
    assert await stage.broken() == []


async def test_history_earns_only_from_the_effective_date(stage: Stage, tell: Facts) -> None:
    early = Facts(at=START - 10 * DAY)
    early.told = 1_000
    await stage.hear(
        tell.merchant(),
        early.placed("ann", "old", 9_000),
        early.paid("ann", "old"),
        tell.placed("ann", "new", 1_000),
        tell.paid("ann", "new"),
    )

    assert await stage.balance("ann") == balance(usable=10)
    # The tier counts what was spent, whenever the programme began.
    assert (await stage.rows("SELECT spend FROM account WHERE kind = 'member'"))[0]["spend"] == 10_000


async def test_an_earlier_effective_date_pays_the_orders_that_are_known_already(stage: Stage, tell: Facts) -> None:
    early = Facts(at=START - 10 * DAY)
    early.told = 1_000
    await stage.hear(tell.merchant(), early.placed("ann", "old", 9_000), early.paid("ann", "old"))
    await stage.hear(tell.placed("ann", "new", 1_000), tell.paid("ann", "new"))

    await stage.publish(effective_at=START - 30 * DAY, points_per_unit=2)
    await stage.look_again()

    # The new order keeps the terms that it was awarded under.
    assert await stage.balance("ann") == balance(usable=190)
    headers = await stage.rows("SELECT headers FROM outbox WHERE type = 'points.earned.v1' ORDER BY created_at, seq")
    assert [json.loads(row["headers"])["ce_origin"] for row in headers] == ["live", "correction"]
    assert await stage.broken() == []


async def test_facts_of_a_merchant_not_registered_yet_wait_as_data(stage: Stage, tell: Facts) -> None:
    tell.at = START + DAY
    await stage.hear(tell.customer("ann"), tell.placed("ann", "o1", 1_000), tell.paid("ann", "o1"))
    assert await stage.balance("ann") == balance()

    await stage.hear(tell.merchant(at=START))
    await stage.look_again()

    assert await stage.balance("ann") == balance(usable=10)
    assert await stage.broken() == []


async def test_another_currency_earns_by_the_rate_pinned_in_the_order_and_nothing_without(
    stage: Stage, tell: Facts
) -> None:
    fx = {"to": "USD", "rate": "0.0067", "source": "test", "at": START}
    await stage.hear(tell.merchant())
    tell.currency = "JPY"
    await stage.hear(
        tell.placed("ann", "o1", 10_000, fx=fx),
        tell.paid("ann", "o1"),
        tell.placed("ann", "o2", 10_000),
        tell.paid("ann", "o2"),
    )

    assert await stage.balance("ann") == balance(usable=67)
    assert await stage.broken() == []


async def test_tiers_rise_with_spend_and_fall_when_it_grows_older_than_a_year(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.placed("ann", "o1", 45_000), tell.paid("ann", "o1"))
    tell.at = START + 50 * DAY
    await stage.hear(tell.placed("ann", "o2", 160_000), tell.paid("ann", "o2"))
    [up] = await stage.told("tier.upgraded")
    assert (up["from_tier"], up["to_tier"], up["measure"]["qualifying_minor"]) == (None, "Gold", 205_000)

    stage.clock.set(START + timedelta(days=365, hours=1))
    await stage.look_again()
    [down] = await stage.told("tier.downgraded")
    assert (down["from_tier"], down["to_tier"]) == ("Gold", "Silver")
    assert down["since"] == "2026-01-01T00:00:00Z"

    stage.clock.set(START + timedelta(days=420))
    await stage.look_again()
    assert [each["to_tier"] for each in await stage.told("tier.downgraded")] == ["Silver", None]


async def test_a_refund_lowers_the_tier(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.placed("ann", "o1", 50_000), tell.paid("ann", "o1"))
    await stage.hear(tell.refunded("ann", "o1", 1))

    assert [each["to_tier"] for each in await stage.told("tier.")] == ["Silver", None]


async def test_points_die_at_their_instant_and_the_entry_bears_it(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant())
    await stage.publish(effective_at=START, expires_after_days=10)
    tell.at, tell.window = stage.clock.now(), DAY
    await stage.hear(tell.placed("ann", "o1", 1_000), tell.paid("ann", "o1"))
    end = tell.at + 11 * DAY

    assert await stage.balance("ann", end - timedelta(seconds=1)) == balance(usable=10)
    assert await stage.balance("ann", end) == balance()
    stage.clock.set(end + timedelta(hours=2))
    await stage.look_again()

    [expired] = await stage.told("points.expired")
    assert (expired["points"], expired["at"]) == (10, end.isoformat().replace("+00:00", "Z"))
    assert await stage.broken() == []


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_an_order_moves_to_the_customer_that_it_is_told_of(stage: Stage, tell: Facts, size: int) -> None:
    told = [tell.merchant(), tell.placed("ann", "o1", 50_000), tell.paid("ann", "o1"), tell.placed("ann", "o2", 900)]
    told += [tell.paid("ann", "o2"), tell.changed("bob", "o1", 50_000, version=2)]

    await stage.hear(*told, tell.merged("ann", "cy"), batch=size)

    assert [(await stage.balance(name)).usable for name in ("ann", "bob", "cy")] == [9, 500, 9]
    steps = await stage.rows("SELECT owner, step FROM account WHERE step > 0")
    assert [row["owner"] for row in steps] == [uid("bob")]
    assert await stage.broken() == []


@pytest.mark.parametrize("size", [1, 2, 5, 500])
async def test_a_merge_undone_ends_alike_in_batches_of_any_size(stage: Stage, size: int) -> None:
    stage.clock.set(START + 90 * DAY)
    merchants = [UUID(int=n + 1) for n in range(6)]
    for number, merchant_id in enumerate(merchants):
        tell = Facts(merchant_id)
        ways = list(woven(*unmerged_life(tell)))
        await stage.hear(tell.merchant(), *ways[number * len(ways) // 6], batch=size)

    for merchant_id in merchants:
        assert [(await stage.balance(name, of=merchant_id)).usable for name in ("a", "b")] == [130, 300]
        assert await stage.broken(of=merchant_id) == []
    spends = await stage.rows("SELECT merchant_no, spend FROM account WHERE spend <> 0 ORDER BY 1, 2")
    assert [row["spend"] for row in spends] == [13_000, 30_000] * 6


@pytest.mark.parametrize("size", [1, 2, 500])
async def test_batches_of_any_size_end_the_same(stage: Stage, tell: Facts, size: int) -> None:
    events = [tell.merchant()]
    for number in range(12):
        tell.at = START + number * 40 * DAY
        name, order = f"c{number % 3}", f"o{number}"
        events += [tell.placed(name, order, 30_000 + number), tell.paid(name, order)]
        if number % 4 == 0:
            events.append(tell.refunded(name, order, 10_050))
    stage.clock.set(START + 600 * DAY)

    await stage.hear(*events, batch=size)

    standing = await stage.rows("SELECT posted, debt, spend FROM account WHERE kind = 'member' ORDER BY owner")
    assert all(row["debt"] == 0 and row["spend"] > 0 for row in standing)
    lots = await stage.rows("SELECT order_id, sum(remaining) AS points FROM lot GROUP BY 1")
    assert {row["order_id"]: row["points"] for row in lots} == {
        uid(f"o{number}"): (30_000 + number - (10_050 if number % 4 == 0 else 0)) // 100 for number in range(12)
    }
    assert await stage.broken() == []
