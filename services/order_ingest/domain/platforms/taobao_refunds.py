"""Taobao's refunds: one sub-order's money each, during the sale or after it.

Source: open.taobao.com, "taobao.refund.get" (Refund): `refund_fee` is what goes back to the buyer, postage included.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import OrderContent, Refund, RefundLine
from services.order_ingest.domain.platforms.spreading import spread
from services.order_ingest.domain.platforms.taobao_parts import china_instant, worth
from services.order_ingest.domain.reading import Object, external_id, own_id, required, text

_SUCCESS: Final = "SUCCESS"


def touched_at(source: Object) -> datetime | None:
    """When the refund last changed, whatever its state."""
    times = [china_instant(source, name) for name in ("created", "modified", "end_time")]
    return max((at for at in times if at is not None), default=None)


def refund(source: Object, content: OrderContent) -> Refund | None:
    """The refund, if it succeeded and moved money: an exchange gives nothing back.

    When the money moved is said by `end_time`; without it the last change stands for it, then the request. How many
    pieces came back is not said: `num` is how many were bought.
    """
    if text(source, "status") != _SUCCESS:
        return None
    fee = worth(source, "refund_fee")
    times = [china_instant(source, name) for name in ("end_time", "modified", "created")]
    at = next((at for at in times if at is not None), None)
    back = Refund(
        external_id=own_id(source, "refund_id"),
        at=required(at, "modified"),
        lines=(),
        shipping_minor=0,
        amount_minor=fee,
        reason=text(source, "reason"),
    )
    return _divided(back, external_id(source, "oid"), content) if fee else None


def _divided(back: Refund, line_id: str | None, content: OrderContent) -> Refund:
    """The refund with its money on its sub-order's goods; what they did not cost is postage."""
    line = next((line for line in content.lines if line.external_id == line_id), None)
    if line is None:
        return spread(back, content)
    goods = min(back.amount_minor, line.total_minor)
    postage = min(back.amount_minor - goods, content.shipping_minor)
    return replace(back, lines=(RefundLine(line.external_id, 0, goods, 0),), shipping_minor=postage)
