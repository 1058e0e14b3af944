"""Taobao's and Tmall's orders: messages that name one, and what the platform's API then tells of it.

Source: open.taobao.com, "taobao.trade.fullinfo.get", "taobao.refund.get", "taobao.tmc.messages.consume". A pulled
document is `trade` as the first answers it, with what the second answers of each of its refunds under `refunds`. Who
bought is known by `buyer_open_uid` alone: names and addresses come masked or encrypted.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import Cancellation, Change, OrderContent, OrderSeen, Refund
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import Person
from services.order_ingest.domain.platforms.amounts import amount
from services.order_ingest.domain.platforms.taobao_messages import touched
from services.order_ingest.domain.platforms.taobao_parts import (
    CLOSED,
    CURRENCY,
    NEVER_PAID,
    china_instant,
    lines,
    worth,
)
from services.order_ingest.domain.platforms.taobao_refunds import refund, touched_at
from services.order_ingest.domain.platforms.taobao_shipments import shipments
from services.order_ingest.domain.reading import Object, each, external_id, microseconds, own_id, record, required, text
from services.order_ingest.domain.storefront import PULLED, Arrival, Storefront

_UNPAID: Final = frozenset({"TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "PAY_PENDING", "WAIT_PRE_AUTH_CONFIRM"})
_PAID: Final = frozenset(
    {"WAIT_SELLER_SEND_GOODS", "PAID_FORBID_CONSIGN", "SELLER_CONSIGNED_PART", "WAIT_BUYER_CONFIRM_GOODS"}
)
_FINISHED: Final = "TRADE_FINISHED"
_ON_DELIVERY: Final = "cod"
_DEPOSIT_PAID: Final = "FRONT_PAID_FINAL_NOPAID"


def parse(body: Object, arrival: Arrival, storefront: Storefront) -> Change:
    """The change that a message or a pulled document tells.

    Raises:
        Malformed: a field is missing, or a message is about another seller.
    """
    if arrival.topic == PULLED:
        return _order_seen(body, storefront)
    return touched(body, arrival, storefront)


def _order_seen(body: Object, storefront: Storefront) -> OrderSeen:
    trade = required(record(body, "trade"), "trade")
    refunds_at = [at for at in each(body, "refunds", touched_at) if at is not None]
    try:
        seen = _trade_seen(trade, refunds_at, storefront)
    except Malformed as complaint:
        raise complaint.under("trade") from None
    found = each(body, "refunds", lambda item: refund(item, seen.content))
    refunds = tuple(back for back in found if back is not None)
    status = _after_refunds(seen.content, refunds)
    return replace(seen, refunds=refunds, content=replace(seen.content, financial_status=status))


def _trade_seen(trade: Object, refunds_at: Sequence[datetime], storefront: Storefront) -> OrderSeen:
    updated_at = _updated_at(trade, refunds_at)
    paid_at = _paid_at(trade, updated_at)
    content = _content(trade, financial_status=_financial_status(trade, paid_at))
    return OrderSeen(
        external_id=own_id(trade, "tid"),
        updated_us=microseconds(updated_at),
        content=content,
        person=Person(external_id=external_id(trade, "buyer_open_uid"), region=storefront.region),
        fulfilments=shipments(trade, updated_at),
        paid_at=paid_at,
        cancelled=_cancellation(trade, updated_at),
        remark=_difference(trade, content),
    )


def _updated_at(trade: Object, refunds_at: Sequence[datetime]) -> datetime:
    """The version's time: the latest that the document tells.

    `modified` may lie a second before what changed, and nobody says that a refund after the sale moves it. Times are
    only ever added, so that the latest of them never goes back either.
    """
    modified = required(china_instant(trade, "modified"), "modified")
    times = [china_instant(trade, name) for name in ("pay_time", "consign_time", "end_time")]
    return max([modified, *refunds_at, *(at for at in times if at is not None)])


def _paid_at(trade: Object, updated_at: datetime) -> datetime | None:
    """When the order was paid in full; a version that is paid and has no time of payment stands for it."""
    status = text(trade, "status", length=64)
    if status in _UNPAID or status == NEVER_PAID:
        return None
    paid_at = china_instant(trade, "pay_time")
    if paid_at is not None or status == CLOSED:
        return paid_at
    # What is paid on delivery waits for its seller without money.
    is_paid = status == _FINISHED or (status in _PAID and text(trade, "type") != _ON_DELIVERY)
    return updated_at if is_paid else None


def _financial_status(trade: Object, paid_at: datetime | None) -> str:
    status = required(text(trade, "status", length=64), "status")
    if paid_at is not None:
        return "refunded" if status == CLOSED else "paid"
    if status in (CLOSED, NEVER_PAID):
        return "voided"
    return "partially_paid" if text(trade, "step_trade_status") == _DEPOSIT_PAID else "pending"


def _after_refunds(content: OrderContent, refunds: Sequence[Refund]) -> str | None:
    returned = sum(back.amount_minor for back in refunds)
    if content.financial_status != "paid" or not returned:
        return content.financial_status
    return "refunded" if returned >= content.total_minor else "partially_refunded"


def _content(trade: Object, *, financial_status: str) -> OrderContent:
    sold = lines(trade)
    return OrderContent(
        number=external_id(trade, "tid"),
        placed_at=required(china_instant(trade, "created"), "created"),
        currency=CURRENCY,
        # Prices in China are shown and paid with their tax, which a trade does not tell.
        tax_included=True,
        financial_status=financial_status,
        shipping_minor=worth(trade, "post_fee"),
        tax_minor=0,
        discount_minor=sum(line.discount_minor for line in sold),
        lines=sold,
        channel=text(trade, "trade_from"),
    )


def _cancellation(trade: Object, updated_at: datetime) -> Cancellation | None:
    if text(trade, "status") not in (CLOSED, NEVER_PAID):
        return None
    return Cancellation(at=china_instant(trade, "end_time") or updated_at, reason=None)


def _difference(trade: Object, content: OrderContent) -> str | None:
    # Duties of cross-border trades and fees of payment on delivery are in no line: said, not swallowed.
    theirs = amount(trade, "payment", CURRENCY)
    if theirs == content.total_minor:
        return None
    return f"payment is {theirs}, lines and postage make {content.total_minor} (minor units)"
