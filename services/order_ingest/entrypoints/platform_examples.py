"""For each platform an example of connecting a store, and of what its hook says then."""

import json
from collections.abc import Mapping
from typing import Any, Final

_WHSEC: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_SELLER: Final = "A2KEXAMPLE0ABC"
_STORE_HASH: Final = "k3x9qd"
_NICK: Final = "acme-flagship"

SHOPIFY_STORE: Final = {
    "platform": "shopify",
    "account": "acme",
    "site": "US",
    "domain": "acme.myshopify.com",
    "name": "Acme US",
    "currency": "USD",
    "time_zone": "America/New_York",
    "locale": "en-US",
    "policy_pack": None,
    "return_window_days": 30,
    "secret": "shpss_0123456789abcdef",
}
EXAMPLE_STORES: Final[Mapping[str, Mapping[str, Any]]] = {
    "shopify": SHOPIFY_STORE,
    "shoplazza": {
        "platform": "shoplazza",
        "account": "acme",
        "domain": "acme.myshoplaza.com",
        "currency": "USD",
        "secret": "0123456789abcdef-of-the-app",
    },
    "amazon": {
        "platform": "amazon",
        "account": _SELLER,
        "site": "US",
        "currency": "USD",
        "time_zone": "America/Los_Angeles",
        "secret": _WHSEC,
    },
    "taobao": {
        "platform": "taobao",
        "account": _NICK,
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "locale": "zh-CN",
        "secret": _WHSEC,
    },
    "magento": {"platform": "magento", "account": "acme", "domain": "shop.acme.example", "currency": "EUR"},
    "woocommerce": {
        "platform": "woocommerce",
        "account": "acme",
        "domain": "acme.example",
        "currency": "USD",
        "time_zone": "America/New_York",
        "secret": "0123456789abcdef-of-the-webhook",
    },
    "bigcommerce": {
        "platform": "bigcommerce",
        "account": _STORE_HASH,
        "currency": "USD",
        "secret": "0123456789abcdef-client-secret",
    },
    "standard": {"platform": "standard", "account": "acme-mugs", "currency": "EUR", "secret": _WHSEC},
}
"""Whole bodies of `POST /v1/stores`, by platform; of some the least that is accepted."""

_BUYER: Final = {"first_name": "Ann", "last_name": "Smith", "email": "ann@example.com"}
_CHANGED: Final = {
    "NotificationLevel": "OrderLevel",
    "SellerId": _SELLER,
    "AmazonOrderId": "112-4567890-1234567",
    "OrderChangeType": "OrderStatusChange",
    "OrderChangeTrigger": {"TimeOfOrderChange": "2026-05-04T09:00:01.250Z", "ChangeReason": "Order Status Change"},
}
EXAMPLE_HOOKS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "shopify": (
        "orders/paid",
        {
            "id": 450789469,
            "name": "#1001",
            "currency": "USD",
            "taxes_included": False,
            "financial_status": "paid",
            "processed_at": "2026-05-02T06:15:00-04:00",
            "updated_at": "2026-05-02T06:15:05-04:00",
            "total_price": "49.98",
            "total_tax": "4.00",
            "customer": {"id": 207119551, **_BUYER},
            "line_items": [{"id": 466157049, "product_id": 632910392, "title": "Mug", "quantity": 2, "price": "19.99"}],
            "shipping_lines": [{"price": "6.00"}],
        },
    ),
    "shoplazza": (
        "orders/paid",
        {
            "order": {
                "id": "11218-00000001",
                "number": "00000001",
                "status": "placed",
                "financial_status": "paid",
                "currency": "USD",
                "placed_at": "2026-05-02T10:15:00Z",
                "updated_at": "2026-05-02T10:15:05Z",
                "total_price": "49.98",
                "total_tax": "4.00",
                "total_shipping": "6.00",
                "total_discount": "0.00",
                "customer": {"id": "ef0318fe-e0ed-4551-a5bc-8b8e36c4f90f", **_BUYER},
                "line_items": [{"id": "db4469f3", "product_title": "Mug", "quantity": 2, "price": "19.99"}],
            }
        },
    ),
    "woocommerce": (
        "order.updated",
        {
            "id": 727,
            "number": "727",
            "status": "processing",
            "currency": "USD",
            "date_created_gmt": "2026-05-02T10:15:00",
            "date_modified_gmt": "2026-05-02T10:15:08",
            "date_paid_gmt": "2026-05-02T10:15:05",
            "total": "49.98",
            "total_tax": "4.00",
            "shipping_total": "6.00",
            "discount_total": "0.00",
            "customer_id": 25,
            "billing": {**_BUYER, "country": "US"},
            "line_items": [{"id": 315, "name": "Mug", "product_id": 93, "quantity": 2, "total": "39.98"}],
            "refunds": [],
        },
    ),
    "amazon": (
        "",
        {
            "NotificationVersion": "1.0",
            "NotificationType": "ORDER_CHANGE",
            "PayloadVersion": "1.0",
            "EventTime": "2026-05-04T09:00:07.000Z",
            "Payload": {"OrderChangeNotification": _CHANGED},
        },
    ),
    "taobao": (
        "",
        {
            "id": 4160600490938325004,
            "topic": "taobao_trade_TradeBuyerPay",
            "pub_time": "2026-05-02 18:15:06",
            "user_nick": _NICK,
            "content": json.dumps({"tid": 3410572390000460001, "seller_nick": _NICK, "payment": "228.00"}),
        },
    ),
    "bigcommerce": (
        "",
        {
            "scope": "store/order/updated",
            "store_id": "1025646",
            "data": {"type": "order", "id": 727},
            "hash": "dd70c0976e06b67aaf671e73f49dcb79230ebf9d",
            "created_at": 1777716908,
            "producer": f"stores/{_STORE_HASH}",
        },
    ),
}
"""A body of each platform's hook to the store of the same name above, beside its topic; empty: the body has it."""
