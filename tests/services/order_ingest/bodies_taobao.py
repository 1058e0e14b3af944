"""Trades, refunds and messages as Taobao's documentation shapes them, written for these tests.

Source: open.taobao.com, "taobao.trade.fullinfo.get" (Trade, Order), "taobao.refund.get" (Refund),
"taobao.tmc.messages.consume" (TmcMessage), topics "taobao_trade_TradeBuyerPay", "taobao_refund_RefundSuccess".
"""

import copy
import json
from typing import Any

TID = 3410572390000460001
SOFA_OID = 3410572390001460001
CUP_OID = 3410572390002460001
BUYER = "AAHxYz-1AAJ_dKyzaDWz0001"
SELLER = "示例家居旗舰店"
SELLER_ID = 2200000000123

_SOFA: dict[str, Any] = {
    "adjust_fee": "0.00",
    "buyer_rate": False,
    "cid": 50020633,
    "discount_fee": "20.00",
    "divide_order_fee": "164.08",
    "is_daixiao": False,
    "is_oversold": False,
    "num": 1,
    "num_iid": 739001644001,
    "oid": SOFA_OID,
    "order_from": "WAP,WAP",
    "outer_sku_id": "SOFA-1",
    "part_mjz_discount": "14.92",
    "payment": "179.00",
    "pic_path": "https://img.example.com/sofa.jpg",
    "price": "199.00",
    "refund_status": "NO_REFUND",
    "seller_rate": False,
    "seller_type": "B",
    "sku_id": "5275960415001",
    "sku_properties_name": "颜色分类:奶油白",
    "status": "WAIT_SELLER_SEND_GOODS",
    "title": "懒人沙发椅",
    "total_fee": "179.00",
}

_CUP: dict[str, Any] = {
    **_SOFA,
    "discount_fee": "0.00",
    "divide_order_fee": "55.92",
    "num": 2,
    "num_iid": 739001644002,
    "oid": CUP_OID,
    "part_mjz_discount": "5.08",
    "payment": "61.00",
    "price": "30.50",
    "sku_id": "5275960415002",
    "sku_properties_name": "容量:300ml",
    "title": "陶瓷杯",
    "total_fee": "61.00",
}

_TRADE: dict[str, Any] = {
    "buyer_nick": "t**",
    "buyer_open_uid": BUYER,
    "created": "2026-05-02 18:15:00",
    "discount_fee": "20.00",
    "modified": "2026-05-02 18:15:06",
    "orders": {"order": [_SOFA, _CUP]},
    "pay_time": "2026-05-02 18:15:05",
    "payment": "228.00",
    "post_fee": "8.00",
    "status": "WAIT_SELLER_SEND_GOODS",
    "tid": TID,
    "total_fee": "260.00",
    "trade_from": "WAP,WAP",
    "type": "fixed",
}

_REFUND: dict[str, Any] = {
    "created": "2026-05-08 09:00:00",
    "end_time": "2026-05-09 16:00:00",
    "modified": "2026-05-09 16:00:01",
    "oid": CUP_OID,
    "reason": "7天无理由退换货",
    "refund_fee": "55.92",
    "refund_id": "150231974221000001",
    "refund_phase": "aftersale",
    "status": "SUCCESS",
    "tid": TID,
}

UNPAID: dict[str, Any] = {"status": "WAIT_BUYER_PAY", "pay_time": None, "modified": "2026-05-02 18:15:00"}
"""What a trade says before its money came; its sub-orders have no `divide_order_fee` then."""


def sofa(**changes: Any) -> dict[str, Any]:
    """A sub-order: one for 199.00 less 20.00 of its own, and 14.92 of the trade's discount."""
    return {**_SOFA, **changes}


def cup(**changes: Any) -> dict[str, Any]:
    """A sub-order: two for 30.50 each, less 5.08 of the trade's discount."""
    return {**_CUP, **changes}


def orders(*suborders: dict[str, Any]) -> dict[str, Any]:
    return {"order": list(suborders)}


def trade(**changes: Any) -> dict[str, Any]:
    """A paid trade: the sofa, the cups, and postage of 8.00."""
    return {**copy.deepcopy(_TRADE), **changes}


def alone(**changes: Any) -> dict[str, Any]:
    """A paid trade with one sub-order, which has the trade's number and the postage in its payment."""
    only = sofa(oid=TID, payment="172.08")
    return trade(**{"payment": "172.08", "total_fee": "199.00", "orders": orders(only), **changes})


def unpaid(**changes: Any) -> dict[str, Any]:
    """The trade before it was paid."""
    waiting: dict[str, Any] = {"status": "WAIT_BUYER_PAY", "divide_order_fee": None}
    return trade(**{**UNPAID, "orders": orders(sofa(**waiting), cup(**waiting)), **changes})


def shipped(**changes: Any) -> dict[str, Any]:
    """The trade, sent in one parcel."""
    sent: dict[str, Any] = {"status": "WAIT_BUYER_CONFIRM_GOODS", "consign_time": "2026-05-03 17:00:00"}
    modified = "2026-05-03 17:00:00"
    return trade(**{**sent, "modified": modified, "orders": orders(sofa(**sent), cup(**sent)), **changes})


def finished(**changes: Any) -> dict[str, Any]:
    """The trade, received."""
    done: dict[str, Any] = {
        "status": "TRADE_FINISHED",
        "consign_time": "2026-05-03 17:00:00",
        "end_time": "2026-05-07 20:00:00",
    }
    modified = "2026-05-07 20:00:00"
    return trade(**{**done, "modified": modified, "orders": orders(sofa(**done), cup(**done)), **changes})


def closed(**changes: Any) -> dict[str, Any]:
    """A trade of one sub-order that was paid and then refunded in full: the sub-order's payment is nothing now."""
    only = sofa(
        oid=TID,
        status="TRADE_CLOSED",
        payment="0.00",
        refund_status="SUCCESS",
        refund_id="150231974221000009",
        end_time="2026-05-04 12:00:01",
    )
    ended: dict[str, Any] = {"modified": "2026-05-04 12:00:00", "end_time": "2026-05-04 12:00:01"}
    return alone(**{"status": "TRADE_CLOSED", **ended, "orders": orders(only), **changes})


def refund(**changes: Any) -> dict[str, Any]:
    """A refund of the cups."""
    return {**_REFUND, **changes}


def full_refund(**changes: Any) -> dict[str, Any]:
    """The refund that closed the trade, postage and all."""
    times = {"created": "2026-05-04 11:00:00", "modified": "2026-05-04 12:00:00", "end_time": "2026-05-04 12:00:00"}
    whole = {"refund_id": "150231974221000009", "oid": TID, "refund_fee": "172.08", "refund_phase": "onsale"}
    return refund(**{**times, **whole, **changes})


def pulled(found: dict[str, Any], *refunds: dict[str, Any]) -> dict[str, Any]:
    """A document as it is pulled."""
    return {"trade": found, "refunds": list(refunds)}


def words(**changes: Any) -> dict[str, Any]:
    """What a message says of its trade."""
    said = {
        "buyer_nick": "t**",
        "buyer_open_uid": BUYER,
        "payment": "228.00",
        "oid": SOFA_OID,
        "tid": TID,
        "type": "guarantee_trade",
        "seller_nick": SELLER,
    }
    return {**said, **changes}


def message(topic: str = "taobao_trade_TradeBuyerPay", content: Any = None, **changes: Any) -> dict[str, Any]:
    """A message, its content as JSON inside the JSON unless it is given otherwise."""
    said = json.dumps(words(), ensure_ascii=False) if content is None else content
    found = {
        "id": 4160600490938325004,
        "topic": topic,
        "pub_time": "2026-05-02 18:15:06",
        "pub_app_key": "12497914",
        "user_id": SELLER_ID,
        "user_nick": SELLER,
        "content": said,
    }
    return {**found, **changes}
