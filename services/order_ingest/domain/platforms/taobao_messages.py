"""Messages of Taobao's message channel (TMC), which name an order and say no more that is needed.

Source: open.taobao.com, "taobao.tmc.messages.consume" (TmcMessage), the topics of "taobao_trade" and "taobao_refund".
"""

from typing import Final

from services.order_ingest.domain.changes import OrderTouched, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.taobao_parts import china_instant
from services.order_ingest.domain.reading import Object, external_id, load, own_id, record, required, text
from services.order_ingest.domain.storefront import Arrival, Storefront

_ABOUT_ORDERS: Final = ("taobao_trade_", "taobao_refund_")
_UNHEEDED: Final = frozenset(
    # A rating changes nothing of its order; the two others name none.
    {"taobao_trade_TradeRated", "taobao_refund_RefundableMarked", "taobao_refund_RefundableCanceled"}
)
_CONTENT: Final = "content"
_LONGEST: Final = 2**20


def touched(body: Object, arrival: Arrival, storefront: Storefront) -> OrderTouched | Unheeded:
    """The order that the message is about.

    Raises:
        Malformed: it names no order, or another seller's.
    """
    topic = required(text(body, "topic", length=128), "topic")
    if topic in _UNHEEDED or not topic.startswith(_ABOUT_ORDERS):
        return Unheeded("ignored", f"nothing here listens to {topic[:64]}")
    content = _content(body)
    _refuse_stranger(body, content, storefront.account)
    try:
        order_id = own_id(content, "tid")
    except Malformed as complaint:
        raise complaint.under(_CONTENT) from None
    return OrderTouched(external_id=order_id, at=china_instant(body, "pub_time") or arrival.at)


def _content(body: Object) -> Object:
    """`content`: JSON as text inside the JSON, or already an object."""
    if not isinstance(body.get(_CONTENT), str):
        return required(record(body, _CONTENT), _CONTENT)
    written = required(text(body, _CONTENT, length=_LONGEST), _CONTENT)
    try:
        return load(written.encode())
    except Malformed as complaint:
        raise complaint.under(_CONTENT) from None


def _refuse_stranger(body: Object, content: Object, account: str) -> None:
    """Nothing, unless the message names another seller than the store's account, which is a name or a number.

    Either may be missing in a message, and a name alone cannot be compared with a number.
    """
    number = external_id(body, "user_id")
    names = {name for name in (text(content, "seller_nick"), text(body, "user_nick")) if name}
    if account == number or account in names or not names:
        return
    if number is not None or not account.isdecimal():
        raise Malformed("names another seller than the store's", "/user_id" if number else f"/{_CONTENT}/seller_nick")
