"""Whoever asks is told all that the ledger keeps about them, under every id that they ever had, and nobody else's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from libs.servicekit.sealing import Sealer
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.bootstrap import exports
from services.loyalty.domain.adjusting import adjust_up
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Header
from services.loyalty.domain.spending import hold, release, spend
from tests.exported import opened, shown
from tests.services.loyalty.facts import DAY, MERCHANT, START, Facts, uid
from tests.services.loyalty.stage import Stage
from tests.services.loyalty.stored_world import transact
from tests.services.loyalty.web import settings

SETTINGS = settings()
SEALER = Sealer(SETTINGS.seal_key_ring, SETTINGS.match_key_bytes)
FAMILY = [uid(name) for name in ("a", "b", "ada")]

# Told here a second time, in other words than the service's: joins over whole tables by the ids that the test knows.
_MINE = "account a USING (account_id, merchant_no) WHERE a.owner = ANY (CAST(:family AS uuid[]))"
EXPECTED = {
    "accounts": """
        SELECT a.owner AS customer_id, (SELECT owner FROM account WHERE account_id = a.alias_of) AS merged_into, wallet,
            posted AS points, held, debt, max_debt, next_expiry AS next_expiry_at, identity_version, enrolled_at,
            erased_at
        FROM account a WHERE a.owner = ANY (CAST(:family AS uuid[]))""",
    "tiers": """
        SELECT owner AS customer_id, step, CASE step WHEN 1 THEN 'Silver' WHEN 2 THEN 'Gold' END AS tier,
            step_since AS since, spend AS spend_of_year_minor, spend_as_of, spend_oldest AS oldest_order_at,
            review_at AS next_review_at
        FROM account WHERE owner = ANY (CAST(:family AS uuid[])) AND spend_as_of IS NOT NULL""",
    "entries": f"""
        SELECT a.owner AS customer_id, entry_id, t.kind, points, order_id, reverses, cause AS cause_fact_id, actor,
            reason, occurred_at, created_at AS recorded_at FROM txn t JOIN {_MINE}""",
    "movements": """
        SELECT t.entry_id, line, amount AS points, d.owner AS d_owner, d.kind AS d_kind, c.owner AS c_owner,
            c.kind AS c_kind
        FROM transfer r JOIN txn t USING (txn_id) JOIN account d ON d.account_id = r.debit
        JOIN account c ON c.account_id = r.credit
        WHERE t.account_id IN (SELECT account_id FROM account WHERE owner = ANY (CAST(:family AS uuid[])))""",
    "lots": f"""
        SELECT a.owner AS customer_id, grant_id, order_id, granted, remaining, reserved, available_at, expires_at
        FROM lot JOIN {_MINE}""",
    "lot_changes": f"""
        SELECT t.entry_id, l.grant_id, m.delta AS points FROM lot_move m JOIN txn t USING (txn_id, merchant_no)
        JOIN (SELECT lot_id, grant_id FROM lot) l USING (lot_id) JOIN {_MINE}""",
    "holds": f"""
        SELECT a.owner AS customer_id, hold_id, amount AS points, state, captured, expires_at FROM hold JOIN {_MINE}""",
    "held_lots": f"""
        SELECT hold_id, grant_id, p.amount AS points FROM hold_lot p JOIN hold USING (hold_id, merchant_no)
        JOIN (SELECT lot_id, grant_id FROM lot) l USING (lot_id) JOIN {_MINE}""",
    "orders": f"""
        SELECT a.owner AS customer_id, order_id, o.version, placed_at, currency, eligible AS goods_minor,
            refunded AS refunded_minor, counted AS counted_for_tier_minor, window_ends_at AS return_window_ends_at,
            fx_to, fx_rate, gift_lines, line_refunds, paid_at, cancelled_at, deleted_at
        FROM order_state o JOIN {_MINE}""",
    "awards": f"""
        SELECT w.order_id, w.line, w.rule_version, w.eligible AS goods_minor, w.refunded AS refunded_minor,
            w.earned AS points_earned, w.reversed AS points_reversed, CAST(t.content AS jsonb) AS terms
        FROM award w JOIN order_state o USING (order_id, merchant_no) JOIN terms t USING (terms_id, merchant_no)
        JOIN {_MINE}""",
}
NOT_ITS_OWN = {"d_owner", "d_kind", "c_owner", "c_kind"}


async def expected(stage: Stage, thing: str) -> list[dict[str, Any]]:
    rows = await stage.rows(EXPECTED[thing], family=FAMILY)
    if thing == "movements":
        for row in rows:
            row["taken_from"] = row["d_owner"] if row["d_kind"] == "member" else row["d_kind"]
            row["given_to"] = row["c_owner"] if row["c_kind"] == "member" else row["c_kind"]
        rows = [{name: value for name, value in row.items() if name not in NOT_ITS_OWN} for row in rows]
    return shown(rows)


async def answer(stage: Stage, *, request: str = "export") -> dict[str, list[dict[str, Any]]]:
    """What the request is answered with once its time has come."""
    await exports(SETTINGS, stage.database, stage.clock).run_due()
    told = await stage.told("data_export.completed")
    return opened([fact for fact in told if fact["request_id"] == str(uid(request))], SEALER)


async def do(stage: Stage, name: str, command: Callable[[Book, Header], object], key: str) -> None:
    header = Header(key=key, at=stage.clock.now(), actor="ops", reason=f"because of {key}")

    def run(workspace: Workspace, member: Member) -> None:
        command(member.book, header)

    await transact(stage, MERCHANT, name, run)


async def lived(stage: Stage, tell: Facts, *names: str) -> None:
    """Each has orders, a refund, an adjustment, a lot that is used up, one hold that is open and one that has ended."""
    end = stage.clock.now() + timedelta(hours=1)
    for name in names:
        told = [tell.customer(name), tell.placed(name, f"1{name}", 60_000, 200), tell.paid(name, f"1{name}")]
        await stage.hear(
            *told, tell.placed(name, f"2{name}", 5_000, gifts=[0]), tell.refunded(name, f"1{name}", 0, 200)
        )
        await do(stage, name, lambda book, header: spend(book, header, points=600), f"spend {name}")
        await do(stage, name, lambda book, header: adjust_up(book, header, points=50, expires_at=None), f"give {name}")
        for number, ends in ((1, False), (2, True)):
            hold_id = uid(f"hold {number} {name}")

            def hold_some(book: Book, header: Header, hold_id: Any = hold_id) -> None:
                hold(book, header, hold_id=hold_id, points=5, expires_at=end)

            def end_it(book: Book, header: Header, hold_id: Any = hold_id) -> None:
                release(book, header, hold_id=hold_id)

            await do(stage, name, hold_some, f"hold {number} {name}")
            if ends:
                await do(stage, name, end_it, f"release {number} {name}")


async def test_an_answer_has_exactly_the_rows_of_everybody_whom_the_customer_was(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant())
    tell.at = START + DAY
    await lived(stage, tell, "a", "b", "ada", "bea")
    await stage.hear(tell.merged("a", "b"), tell.merged("b", "ada"))
    await stage.hear(tell.asked("ada", "1"), tell.asked("a", "2"))

    found = await answer(stage, request="1")

    assert found.keys() == EXPECTED.keys()
    for thing, rows in found.items():
        assert rows, thing
        assert shown(rows) == await expected(stage, thing), thing
    assert {row["remaining"] == 0 for row in found["lots"]} == {True, False}
    assert {row["state"] for row in found["holds"]} == {"open", "released"}
    assert await answer(stage, request="2") == found


async def test_every_table_that_names_a_member_is_in_the_answer(stage: Stage) -> None:
    named = await stage.rows(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name IN ('account_id', 'customer_id', 'owner', 'debit') AND table_name <> 'outbox'"
    )
    assert {row["table_name"] for row in named} == {"account", "txn", "transfer", "lot", "hold", "order_state"}


async def test_an_unknown_customer_is_answered_with_nothing_and_stays_unknown(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.asked("never heard of"))

    assert await answer(stage) == {}
    assert await stage.rows("SELECT owner FROM account WHERE kind = 'member'") == []


async def test_an_erased_customer_is_answered_with_what_is_left(stage: Stage, tell: Facts) -> None:
    await stage.hear(tell.merchant(), tell.customer("ada"))
    await do(stage, "ada", lambda book, header: adjust_up(book, header, points=50, expires_at=None), "secret")
    await stage.hear(tell.erased("ada"), tell.asked("ada"))

    found = await answer(stage)

    assert [(entry["points"], entry["reason"]) for entry in found["entries"]] == [(50, None)]
    assert found["accounts"][0]["erased_at"] == "2025-01-01T00:00:00Z"


async def test_another_merchants_customer_is_not_found(stage: Stage, tell: Facts) -> None:
    other = Facts(merchant_id=uid("another merchant"), at=START, told=100)
    await stage.hear(tell.merchant(), other.merchant(), tell.customer("ada"), other.asked("ada"))

    assert await answer(stage) == {}
