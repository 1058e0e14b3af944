"""Taobao's and Tmall's exports become canonical orders of yuan, at the times of the clock in Shanghai."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from services.order_ingest.domain.files.taobao_orders import UNNAMED_GOODS
from services.order_ingest.domain.reading import microseconds
from tests.services.order_ingest.domain.files.exports import only, reason, results, seen
from tests.services.order_ingest.domain.files.shapes import (
    TAOBAO_HEADERS,
    TMALL_HEADERS,
    taobao_row,
    tmall_row,
    written,
)


def _export(**cells: str) -> bytes:
    return written(TAOBAO_HEADERS, [taobao_row(**cells)], end="\r\n").encode("gbk")


def _report(*rows: dict[str, str], trimmed: bool = False) -> str:
    columns = [name.strip() for name in TMALL_HEADERS] if trimmed else TMALL_HEADERS
    return written(columns, rows, end="\r\n" if trimmed else "\n")


def test_a_seller_s_export_comes_over() -> None:
    order = only(_export())

    content = order.content
    assert order.external_id == "1930679858170647123"
    assert (content.currency, content.total_minor, content.shipping_minor) == ("CNY", 60800, 1000)
    assert content.placed_at == datetime(2020, 2, 20, 15, 59, 54, tzinfo=UTC)
    assert order.paid_at == datetime(2020, 2, 20, 16, 0, 2, tzinfo=UTC)
    (line,) = content.lines
    assert (line.title, line.quantity, line.total_minor) == ("洗面奶，化妆水套装", 3, 59800)


def test_a_raw_formula_guard_in_the_file_is_taken_off_as_well() -> None:
    content = written(TAOBAO_HEADERS, [taobao_row(订单编号="@")]).replace("@", '="1930679858170647123"')

    assert only(content).external_id == "1930679858170647123"


@pytest.mark.parametrize("guarded", ["'1930679858170647123", "1930679858170647123\t", "1930679858170647123"])
def test_an_id_loses_its_guard_and_no_digit(guarded: str) -> None:
    assert only(_export(订单编号=guarded)).external_id == "1930679858170647123"


def test_an_id_that_a_spreadsheet_has_rounded_is_refused() -> None:
    assert "the id is lost" in reason(_export(订单编号="1.93068E+18"))


@pytest.mark.parametrize(
    ("nick", "found"), [("幸福蔓岩1627", "幸福蔓岩1627"), ("'tb123", "tb123"), ("幸**7", None), ("", None)]
)
def test_a_buyer_is_the_nick_unless_it_is_masked(nick: str, found: str | None) -> None:
    person = only(_export(买家会员名=nick)).person

    assert (person.external_id, person.phone) == (found, None)


def test_an_export_without_a_buyer_column_is_of_nobody() -> None:
    columns = [name for name in TAOBAO_HEADERS if not name.startswith("买家会员名")]

    assert only(written(columns, [taobao_row()])).person.external_id is None


def test_the_payment_has_either_of_two_headers() -> None:
    columns = ["支付金额" if name == "买家实际支付金额" else name for name in TAOBAO_HEADERS]
    row = taobao_row() | {"支付金额": "700.00"}

    assert reason(written(columns, [row])) == "总金额: is 608.00 CNY, less than what the buyer paid"
    assert only(written(columns, [row | {"支付金额": "608.00"}])).content.total_minor == 60800


@pytest.mark.parametrize(
    ("status", "paid_at", "found"),
    [
        ("等待买家付款", "", "pending"),
        ("买家已付款，等待卖家发货", "2020-02-21 00:00:02", "paid"),
        ("买家已付款,等待卖家发货", "2020-02-21 00:00:02", "paid"),
        ("交易成功", "2020/2/21 0:00", "paid"),
        ("交易关闭", "", "voided"),
        ("交易关闭", "2020-02-21 00:00:02", "refunded"),
    ],
)
def test_a_status_is_told_in_chinese(status: str, paid_at: str, found: str) -> None:
    order = only(_export(订单状态=status, 订单付款时间=paid_at))

    assert order.content.financial_status == found
    assert (order.cancelled is not None) == (status == "交易关闭")
    assert [refund.amount_minor for refund in order.refunds] == ([60800] if found == "refunded" else [])


def test_an_unknown_status_is_refused() -> None:
    assert reason(_export(订单状态="外星人")) == "订单状态: is none of Taobao's that are known"


def test_what_the_total_lacks_was_taken_off() -> None:
    content = only(_export(总金额="598.00", 买家实际支付金额="0")).content

    assert (content.total_minor, content.lines[0].discount_minor, content.lines[0].total_minor) == (59800, 1000, 58800)


def test_amounts_that_contradict_each_other_are_refused_with_both_figures() -> None:
    assert reason(_export(总金额="618.00")) == "总金额: is 618.00 CNY, but goods and postage make 608.00 CNY"


def test_the_confirmation_is_the_latest_time() -> None:
    order = only(_export(订单状态="交易成功", 确认收货时间="2020-03-05 10:00:00"))

    assert order.updated_us == datetime(2020, 3, 5, 2, tzinfo=UTC).timestamp() * 1_000_000


def test_part_of_an_order_may_have_gone_back() -> None:
    order = only(_export(订单状态="交易成功", 退款金额="8.00"))

    assert (order.content.financial_status, order.refunds[0].amount_minor) == ("partially_refunded", 800)


def test_a_report_s_order_is_one_line_of_nobody() -> None:
    order = only(_report(tmall_row()))

    assert (order.external_id, order.content.total_minor, order.content.financial_status) == ("1", 17880, "paid")
    assert [(line.title, line.quantity, line.total_minor) for line in order.content.lines] == [
        (UNNAMED_GOODS, 1, 17880)
    ]
    assert (order.person.external_id, order.person.email) == (None, None)


def test_an_empty_time_of_payment_says_unpaid() -> None:
    order = only(_report(tmall_row(订单付款时间="", 买家实际支付金额="0.0")))

    assert (order.content.financial_status, order.paid_at, order.content.total_minor) == ("pending", None, 17880)


def test_both_published_copies_of_the_report_are_the_same_orders() -> None:
    saved_again = tmall_row(订单创建时间="2020/2/21 0:00", 订单付款时间="2020/2/21 0:00")

    first, second = only(_report(tmall_row())), only(_report(saved_again, trimmed=True))

    assert first.content == second.content


@pytest.mark.parametrize(
    ("returned", "status"), [("0.0", "paid"), ("78.8", "partially_refunded"), ("178.8", "refunded")]
)
def test_what_went_back_is_a_refund_of_the_order_s_last_known_change(returned: str, status: str) -> None:
    order = only(_report(tmall_row(退款金额=returned)))

    assert order.content.financial_status == status
    assert [(refund.external_id, microseconds(refund.at)) for refund in order.refunds] == (
        [] if status == "paid" else [("export", order.updated_us)]
    )


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"退款金额": "200"}, "退款金额: is 200.00 CNY, more than 总金额 178.80 CNY"),
        ({"退款金额": "-1"}, "退款金额: is negative"),
        ({"退款金额": "5", "订单付款时间": ""}, "退款金额: something went back of an order that was never paid"),
        ({"总金额": ""}, "总金额: is empty"),
        (
            {"订单编号": "1E+17"},
            "订单编号: a spreadsheet has saved the id as a rounded number: the id is lost, export again",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_reason(cells: dict[str, str], why: str) -> None:
    assert reason(_report(tmall_row(**cells))) == why


def test_paid_totals_are_payments_and_what_went_back() -> None:
    rows = [_made(number) for number in range(1, 301)]

    orders = [seen(result) for result in results(_report(*rows))]

    paid = sum(order.content.total_minor for order in orders if order.paid_at)
    returned = sum(refund.amount_minor for order in orders for refund in order.refunds)
    column = {name: sum(Decimal(row[name]) for row in rows) for name in ("总金额", "买家实际支付金额", "退款金额")}
    assert sum(order.content.total_minor for order in orders) == column["总金额"] * 100
    assert returned == column["退款金额"] * 100
    assert paid - returned == column["买家实际支付金额"] * 100


def _made(number: int) -> dict[str, str]:
    """An order of the report by its published rule: what counts as paid is the total less what went back."""
    total, paid = number * 1_37, number % 7 != 0
    returned = 0 if not paid or number % 5 else total // (1 + number % 2)
    amounts = {"总金额": total, "买家实际支付金额": total - returned if paid else 0, "退款金额": returned}
    cells = {name: f"{amount // 100}.{amount % 100:02}" for name, amount in amounts.items()}
    return tmall_row(订单编号=str(number), **cells, **({} if paid else {"订单付款时间": ""}))
