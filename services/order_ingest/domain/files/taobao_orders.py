"""Taobao's and Tmall's exports: one row per order, Chinese headers, yuan, times of the clock in Shanghai.

Source: the seller's ExportOrderList, whose columns change over the years, and the shorter order report without buyer,
status and goods. Both may call a payment what was left of it after refunds, so an order's total is 总金额.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.cells import (
    first_text,
    instant,
    minor,
    not_negative_minor,
    quantity,
    required_identifier,
    required_instant,
    required_minor,
    text,
    unguarded,
)
from services.order_ingest.domain.files.errors import Unconvertible
from services.order_ingest.domain.files.grouping import Grouping
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import Draft, latest, refunds, stamp
from services.order_ingest.domain.files.rows import Row

REPORT_HEADERS: Final = frozenset(
    ("订单编号", "总金额", "买家实际支付金额", "收货地址", "订单创建时间", "订单付款时间", "退款金额")
)
EXPORT_HEADERS: Final = frozenset(
    ("订单编号", "买家应付货款", "总金额", "订单状态", "订单创建时间", "订单付款时间", "宝贝标题", "宝贝种类")
)
GROUPING: Final = Grouping(by="订单编号", single=True)
UNNAMED_GOODS: Final = "天猫订单"
"""The title of the one line of an order whose report says nothing of its goods."""

_TIME_ZONE: Final = "Asia/Shanghai"
_CURRENCY: Final = "CNY"
_CLOSED: Final = "交易关闭"
_UNPAID: Final = ("等待买家付款", "付款确认中", "支付确认中")
_PART_PAID: Final = ("定金已付", "买家已付定金")
_PAID: Final = ("买家已付款", "卖家部分发货", "卖家已发货", "买家已签收", "交易成功")


def report_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order of nobody, with one line for all its goods; an empty time of payment says unpaid.

    Raises:
        Unconvertible: a cell cannot be read, or more went back than the order was worth.
    """
    (row,) = rows
    money = Tender(_CURRENCY, options.decimal_comma)
    total = required_minor(row, "总金额", money)
    returned = _returned(row, total, money)
    created_at, paid_at = _created_and_paid(row, options)
    if returned and paid_at is None:
        raise Unconvertible("something went back of an order that was never paid", "退款金额")
    updated_at = latest(created_at, paid_at)
    return {
        **_order(row, created_at, paid_at, updated_at),
        "financial_status": _after_refund(total, returned) if paid_at else "pending",
        "cancelled_at": None,
        "customer": None,
        "shipping_minor": 0,
        "total_minor": total,
        "lines": [{"id": "1", "title": UNNAMED_GOODS, "quantity": 1, "total_minor": total}],
        "refunds": refunds(returned, stamp(updated_at)),
    }


def export_order(rows: Sequence[Row], options: Options) -> Draft:
    """The canonical order, all its goods in one line: titles stand in one cell and cannot be told apart.

    Raises:
        Unconvertible: a cell cannot be read, the status is unknown, or the amounts contradict each other.
    """
    (row,) = rows
    money = Tender(_CURRENCY, options.decimal_comma)
    created_at, paid_at = _created_and_paid(row, options)
    updated_at = latest(created_at, paid_at, instant(row, "确认收货时间", options, time_zone=_TIME_ZONE))
    total = required_minor(row, "总金额", money)
    status = _status(row, was_paid=paid_at is not None)
    returned = _returned(row, total, money) or (total if status == "refunded" else 0)
    return {
        **_order(row, created_at, paid_at, updated_at),
        "financial_status": _after_refund(total, returned) if status == "paid" else status,
        "cancelled_at": stamp(updated_at if text(row, "订单状态").startswith(_CLOSED) else None),
        "customer": _buyer(row),
        "shipping_minor": minor(row, "买家应付邮费", money),
        "total_minor": total,
        "lines": [_line(row, total, money)],
        "refunds": refunds(returned, stamp(updated_at)),
    }


def _created_and_paid(row: Row, options: Options) -> tuple[datetime, datetime | None]:
    return (
        required_instant(row, "订单创建时间", options, time_zone=_TIME_ZONE),
        instant(row, "订单付款时间", options, time_zone=_TIME_ZONE),
    )


def _order(row: Row, created_at: datetime, paid_at: datetime | None, updated_at: datetime) -> Draft:
    return {
        "id": required_identifier(row, "订单编号"),
        "placed_at": stamp(created_at),
        "paid_at": stamp(paid_at),
        "updated_at": stamp(updated_at),
        "currency": _CURRENCY,
    }


def _returned(row: Row, total: int, money: Tender) -> int:
    returned = not_negative_minor(row, "退款金额", money)
    if returned > total:
        raise Unconvertible(f"is {money.words(returned)}, more than 总金额 {money.words(total)}", "退款金额")
    return returned


def _after_refund(total: int, returned: int) -> str:
    if returned == 0:
        return "paid"
    return "refunded" if returned >= total else "partially_refunded"


def _status(row: Row, *, was_paid: bool) -> str:
    written = text(row, "订单状态")
    if written.startswith(_CLOSED):
        # A paid order is closed by giving everything back.
        return "refunded" if was_paid else "voided"
    for prefixes, status in ((_UNPAID, "pending"), (_PART_PAID, "partially_paid"), (_PAID, "paid")):
        if written.startswith(prefixes):
            return status
    raise Unconvertible("is none of Taobao's that are known", "订单状态")


def _line(row: Row, total: int, money: Tender) -> Draft:
    goods, shipping = required_minor(row, "买家应付货款", money), minor(row, "买家应付邮费", money)
    paid = first_text(row, "买家实际支付金额", "支付金额")
    if goods + shipping < total or shipping > total:
        raise Unconvertible(
            f"is {money.words(total)}, but goods and postage make {money.words(goods + shipping)}", "总金额"
        )
    if paid and money.minor(money.figure(paid)) > total:
        raise Unconvertible(f"is {money.words(total)}, less than what the buyer paid", "总金额")
    return {
        "id": "1",
        "title": text(row, "宝贝标题") or UNNAMED_GOODS,
        "quantity": quantity(row, "宝贝总数量") if text(row, "宝贝总数量") else 1,
        # What the total lacks was taken off at payment: points, coupons, a change of price.
        "discount_minor": goods + shipping - total,
        "total_minor": total - shipping,
    }


def _buyer(row: Row) -> Draft | None:
    nick = unguarded(row, "买家会员名")
    # A masked name ("t**8") is that of many buyers.
    return {"id": nick} if nick and "*" not in nick else None
