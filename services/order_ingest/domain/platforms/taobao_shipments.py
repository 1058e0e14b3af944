"""The parcels of a Taobao trade, as far as its sub-orders tell them.

Source: open.taobao.com, "taobao.trade.fullinfo.get": each sub-order has the `consign_time` of its own parcel, equal
for all that left together; `end_time` is when the buyer confirmed the receipt, or the clock did for the buyer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.order_ingest.domain.changes import LineQuantity, Movement
from services.order_ingest.domain.platforms.taobao_parts import CLOSED, NEVER_PAID, china_instant, suborders
from services.order_ingest.domain.reading import Object, integer, own_id, text

_RECEIVED: Final = frozenset({"TRADE_BUYER_SIGNED", "TRADE_FINISHED"})
_SENT: Final = _RECEIVED | {"WAIT_BUYER_CONFIRM_GOODS"}
_ENDED_OTHERWISE: Final = frozenset({CLOSED, NEVER_PAID})


class _Part(NamedTuple):
    """One sub-order in its parcel; `open`: it can still be received, or was."""

    sent_at: datetime
    received_at: datetime | None
    open: bool
    piece: LineQuantity


def shipments(trade: Object, updated_at: datetime) -> tuple[Movement, ...]:
    """What has left, by the second in which it left: a waybill's number may be corrected later, the time never is.

    Goods without a time of leaving, such as codes and vouchers, are in no parcel.
    """
    parcels: dict[datetime, list[_Part]] = {}
    for part in suborders(trade, lambda order: _part(order, trade, updated_at)):
        if part is not None:
            parcels.setdefault(part.sent_at, []).append(part)
    return tuple(_movement(sent_at, parts) for sent_at, parts in parcels.items())


def _part(order: Object, trade: Object, updated_at: datetime) -> _Part | None:
    status = text(order, "status") or text(trade, "status")
    sent_at = china_instant(order, "consign_time")
    if sent_at is None and status in _SENT:
        sent_at = china_instant(trade, "consign_time")
    if sent_at is None:
        return None
    # Signed for, a trade has no end yet: the first version that says so stands for the time.
    ended_at = china_instant(order, "end_time") or china_instant(trade, "end_time") or updated_at
    return _Part(
        sent_at=sent_at,
        received_at=ended_at if status in _RECEIVED else None,
        open=status not in _ENDED_OTHERWISE,
        piece=LineQuantity(own_id(order, "oid"), integer(order, "num", least=0)),
    )


def _movement(sent_at: datetime, parts: Sequence[_Part]) -> Movement:
    """The parcel, delivered once all in it is received that was not given back on its way."""
    received = [part.received_at for part in parts if part.open]
    known = [at for at in received if at is not None]
    return Movement(
        external_id=f"{sent_at:%Y-%m-%dT%H:%M:%SZ}",
        began_at=sent_at,
        ended_at=max(known) if known and len(known) == len(received) else None,
        lines=tuple(part.piece for part in parts),
    )
