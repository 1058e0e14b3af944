"""Platforms that are asked for orders, after a thin hook or by the clock, and their files."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from tests.e2e.rows import LOST_AGO, Body, Expected, Row, minor
from tests.services.order_ingest import (
    bodies_amazon,
    bodies_bigcommerce,
    bodies_magento,
    bodies_taobao,
)
from tests.services.order_ingest.domain.files import shapes
from tests.services.order_ingest.stores import magento_server
from tests.services.order_ingest.stores.amazon_server import CREDENTIALS, AmazonServer
from tests.services.order_ingest.stores.bigcommerce_server import BigcommerceServer
from tests.services.order_ingest.stores.taobao_server import TaobaoServer

_REPORT: Final = Path(__file__).parents[2] / "deploy/examples/tmall_order_report.csv"
_TAOBAO: Final = {"app_key": "12497914", "app_secret": "a-secret-of-the-app", "session": "a-session"}


def bigcommerce(now: datetime) -> Row:
    """Thin hooks name an order that was refunded in part, the one about the refund first."""
    order = bodies_bigcommerce.order(
        status_id=14, status="Partially Refunded", date_modified="Sat, 09 May 2026 08:00:00 +0000"
    )
    refund = bodies_bigcommerce.refund()
    shop = BigcommerceServer()
    shop.put(
        order,
        products=[bodies_bigcommerce.product()],
        refunds=[refund],
        shipments=[bodies_bigcommerce.shipment()],
        coupons=[bodies_bigcommerce.coupon()],
    )
    return Row(
        platform="bigcommerce",
        store={"account": bodies_bigcommerce.STORE_HASH, "currency": "USD"},
        hooks=[
            ("", bodies_bigcommerce.hook("store/order/refund/created")),
            ("", bodies_bigcommerce.hook("store/order/created")),
        ],
        secrets={"access_token": "a-token"},
        shop=shop.app,
        orders=[[_of_bigcommerce(order, refund)]],
    )


def _of_bigcommerce(order: Body, refund: Body) -> Expected:
    return Expected(
        external_id=str(order["id"]),
        total=minor(order["total_inc_tax"]),
        goods=minor(order["subtotal_ex_tax"]) - minor(order["coupon_discount"]),
        refunded=minor(refund["total_amount"]),
        goods_back=minor(refund["total_amount"]) - minor(refund["total_tax"]),
    )


def amazon(now: datetime) -> Row:
    """A notification names an order; the shipping report has another of its buyer, the all-orders report one more."""
    order = bodies_amazon.order(
        fulfillment=bodies_amazon.fulfilled("SHIPPED"),
        orderItems=[bodies_amazon.item(fulfillment={"quantityFulfilled": 2, "quantityUnfulfilled": 0})],
        packages=[bodies_amazon.package()],
        lastUpdatedTime="2026-05-04T09:00:02Z",
    )
    shop = AmazonServer(now=lambda: datetime.now(UTC))
    shop.put(order)
    parcel = shapes.amazon_parcel(buyer_email=bodies_amazon.ALIAS)
    row = shapes.amazon_row()
    shipped = shapes.amazon(parcel, columns=shapes.AMAZON_SHIPPING_HEADERS).encode("cp1252")
    return Row(
        platform="amazon",
        store={"account": bodies_amazon.SELLER, "site": "US", "currency": "USD"},
        hooks=[
            ("", bodies_amazon.wrapped(bodies_amazon.notification())),
            ("", bodies_amazon.notification()),
        ],
        secrets=CREDENTIALS,
        shop=shop.app,
        files=[("amazon_shipping", shipped), ("amazon_all_orders", shapes.amazon(row).encode("cp1252"))],
        orders=[[_of_amazon(order), _of_report(parcel, "order-id")], [_of_report(row, "amazon-order-id")]],
    )


def _of_amazon(order: Body) -> Expected:
    [item] = order["orderItems"]
    parts = {part["type"]: part for part in item["proceeds"]["breakdowns"]}
    off = {each["subtype"]: each["value"]["amount"] for each in parts["DISCOUNT"]["detailedBreakdowns"]}
    return Expected(
        external_id=order["orderId"],
        total=minor(order["proceeds"]["grandTotal"]["amount"]),
        goods=minor(parts["ITEM"]["subtotal"]["amount"]) + minor(off["ITEM"]),
    )


def _of_report(row: Mapping[str, str], named: str) -> Expected:
    paid = [row[name] for name in ("item-price", "item-tax", "shipping-price", "shipping-tax")]
    return Expected(external_id=row[named], total=sum(map(minor, paid)), goods=minor(row["item-price"]))


def taobao(now: datetime) -> Row:
    """Messages name a trade of which a line was refunded; the order report has three orders without a buyer."""
    trade, refund = _sold(now - timedelta(days=20))
    shop = TaobaoServer(**_TAOBAO, now=lambda: datetime.now(UTC))
    shop.put(trade, refund)
    succeeded = json.dumps(bodies_taobao.words(oid=bodies_taobao.CUP_OID), ensure_ascii=False)
    report = _REPORT.read_bytes()
    head, *rows = [line.split(",") for line in report.decode("gb18030").splitlines()]
    return Row(
        platform="taobao",
        store={"account": bodies_taobao.SELLER, "currency": "CNY", "time_zone": "Asia/Shanghai"},
        hooks=[
            ("", bodies_taobao.message("taobao_refund_RefundSuccess", succeeded)),
            ("", bodies_taobao.message(id=4160600490938325005)),
        ],
        secrets=_TAOBAO,
        shop=shop.app,
        files=[("tmall_order_report", report)],
        orders=[
            [_of_taobao(trade, refund)],
            *([_of_tmall(dict(zip(head, cells, strict=True)))] for cells in rows),
        ],
    )


def _of_taobao(trade: Body, refund: Body) -> Expected:
    return Expected(
        external_id=str(trade["tid"]),
        total=minor(trade["payment"]),
        goods=minor(trade["payment"]) - minor(trade["post_fee"]),
        refunded=minor(refund["refund_fee"]),
        goods_back=minor(refund["refund_fee"]),
    )


def _sold(on: datetime) -> tuple[Body, Body]:
    """A trade of that day, for trades are asked for three months back only, and the refund of one of its lines."""
    day = on.strftime("%Y-%m-%d")
    times = {"created": f"{day} 18:15:00", "pay_time": f"{day} 18:15:05", "consign_time": f"{day} 20:00:00"}
    trade = bodies_taobao.finished(**times, end_time=f"{day} 22:00:00", modified=f"{day} 22:00:00")
    [cup] = [each for each in trade["orders"]["order"] if each["oid"] == bodies_taobao.CUP_OID]
    cup["refund_id"] = bodies_taobao.refund()["refund_id"]
    cup["refund_status"] = "SUCCESS"
    later = {"created": f"{day} 22:10:00", "modified": f"{day} 23:00:01", "end_time": f"{day} 23:00:00"}
    return trade, bodies_taobao.refund(**later)


def _of_tmall(row: Mapping[str, str]) -> Expected:
    """The report has neither postage nor tax: all of it is goods."""
    total, back = minor(row["总金额"]), minor(row["退款金额"])
    return Expected(
        external_id=row["订单编号"],
        total=total,
        goods=total,
        refunded=back,
        goods_back=back,
        paid=bool(row["订单付款时间 "]),
    )


def magento(now: datetime) -> Row:
    """Nobody calls: the store is asked, and has an order that was refunded in part."""
    changed = (now - LOST_AGO).strftime("%Y-%m-%d %H:%M:%S")
    order = bodies_magento.order(**{**bodies_magento.COMPLETE, "updated_at": changed})
    memo = bodies_magento.memo()
    shop = magento_server.MagentoServer()
    shop.put(order)
    shop.put(bodies_magento.invoice(), "invoices")
    shop.put(bodies_magento.shipment(), "shipments")
    shop.put(memo, "creditmemos")
    return Row(
        platform="magento",
        store={"account": "acme", "domain": "shop.example.com", "currency": "USD"},
        secrets={"access_token": magento_server.TOKEN},
        path="/shop",
        shop=shop.app,
        orders=[[_of_magento(order, memo)]],
    )


def _of_magento(order: Body, memo: Body) -> Expected:
    return Expected(
        external_id=str(order["entity_id"]),
        total=minor(order["grand_total"]),
        goods=minor(order["subtotal"]) + minor(order["discount_amount"]),
        refunded=minor(memo["grand_total"]),
        goods_back=minor(memo["subtotal"]) + minor(memo["discount_amount"]),
    )
