"""Platforms whose hooks bring whole bodies: Shopify, Shoplazza, WooCommerce and whoever sends our own format."""

from collections.abc import Sequence
from datetime import datetime

from starlette.types import ASGIApp, Receive, Scope, Send

from services.order_ingest.domain.canonical import EXAMPLE_FULFILMENT, EXAMPLE_ORDER, EXAMPLE_REFUND
from tests.e2e.rows import LOST_AGO, Body, Expected, Row, minor, rfc3339, summed
from tests.services.order_ingest import (
    bodies,
    bodies_shoplazza,
    bodies_woocommerce,
)
from tests.services.order_ingest.stores import shopify_server, shoplazza_server, woocommerce_server


def shopify(now: datetime) -> Row:
    """A refund and a delivery come before their order; of another order no hook tells."""
    refund = bodies.refund()
    told = bodies.order(updated_at="2026-05-09T08:00:01-04:00", financial_status="partially_refunded", refunds=[refund])
    lost = bodies.order(id=450789470, name="#1002", updated_at=rfc3339(now - LOST_AGO), processed_at=rfc3339(now))
    shop = shopify_server.ShopifyServer()
    shop.put(lost)
    return Row(
        platform="shopify",
        store={"account": "690933842", "domain": bodies.DOMAIN, "currency": "USD"},
        hooks=[
            ("refunds/create", refund),
            ("fulfillment_events/create", bodies.fulfilment_event()),
            ("orders/updated", told),
            ("fulfillments/create", bodies.fulfilment()),
            ("orders/create", bodies.order(financial_status="pending")),
        ],
        secrets={"access_token": shopify_server.TOKEN},
        shop=shop.app,
        orders=[[_of_shopify(told, [refund]), _of_shopify(lost, [])]],
    )


def _of_shopify(order: Body, refunds: Sequence[Body]) -> Expected:
    lines = order["line_items"]
    moved = [each for refund in refunds for each in refund["transactions"] if each["status"] == "success"]
    return Expected(
        external_id=str(order["id"]),
        total=minor(order["total_price"]),
        goods=sum(minor(line["price"]) * line["quantity"] for line in lines)
        - sum(summed(line["discount_allocations"], "amount") for line in lines),
        refunded=summed(moved, "amount"),
        goods_back=sum(summed(refund["refund_line_items"], "subtotal") for refund in refunds),
    )


def shoplazza(now: datetime) -> Row:
    """The newest version, with its refund, comes first; of another order no hook tells."""
    # Its refunds say how much, not for what: half of everything is half of the goods.
    refunded = bodies_shoplazza.order(
        financial_status="partially_refunded", total_refund_price="28.10", updated_at="2026-05-10T08:00:00Z"
    )
    lost = bodies_shoplazza.order(id="11218-00000002", number="00000002", updated_at=rfc3339(now - LOST_AGO))
    shop = shoplazza_server.ShoplazzaServer()
    shop.put(lost)
    shipped = bodies_shoplazza.wrapped(fulfillments=[bodies_shoplazza.parcel()], updated_at="2026-05-03T09:00:00Z")
    unpaid = bodies_shoplazza.wrapped(financial_status="waiting", updated_at="2026-05-02T10:15:01Z")
    return Row(
        platform="shoplazza",
        store={"account": "acme", "domain": "acme.myshoplaza.com", "currency": "USD"},
        hooks=[
            ("orders/partially_refunded", {"order": refunded}),
            ("orders/partially_fulfilled", shipped),
            ("orders/paid", bodies_shoplazza.order()),
            ("orders/create", unpaid),
        ],
        secrets={"access_token": shoplazza_server.TOKEN},
        shop=shop.app,
        orders=[[_of_shoplazza(refunded), _of_shoplazza(lost)]],
    )


def _of_shoplazza(order: Body) -> Expected:
    total, refunded = minor(order["total_price"]), minor(order["total_refund_price"])
    goods = sum(minor(line["price"]) * line["quantity"] for line in order["line_items"])
    goods -= minor(order["total_discount"])
    return Expected(
        external_id=order["id"], total=total, goods=goods, refunded=refunded, goods_back=goods * refunded // total
    )


def woocommerce(now: datetime) -> Row:
    """The newest version, with its refund, comes first; of another order no hook tells."""
    half = bodies_woocommerce.refund(total="-19.89")
    refunded = bodies_woocommerce.order(
        **{**bodies_woocommerce.COMPLETED, "date_modified_gmt": "2026-05-09T08:00:00"}, refunds=[half]
    )
    lost = bodies_woocommerce.order(
        id=728, number="A-728", date_modified_gmt=(now - LOST_AGO).strftime("%Y-%m-%dT%H:%M:%S")
    )
    shop = woocommerce_server.WoocommerceServer()
    shop.put(lost)
    unpaid = bodies_woocommerce.order(**bodies_woocommerce.UNPAID, date_modified_gmt="2026-05-02T10:15:00")
    return Row(
        platform="woocommerce",
        store={"account": "acme", "currency": "USD"},
        hooks=[
            ("order.updated", refunded),
            ("customer.updated", bodies_woocommerce.customer()),
            ("order.updated", bodies_woocommerce.order()),
            ("order.created", unpaid),
        ],
        secrets={"consumer_key": woocommerce_server.KEY, "consumer_secret": woocommerce_server.SECRET},
        shop=_behind_tls(shop.app),
        orders=[[_of_woocommerce(refunded), _of_woocommerce(lost)]],
    )


def _behind_tls(app: ASGIApp) -> ASGIApp:
    """The shop as it is behind a proxy that ends TLS: it knows its visitors' scheme, not the proxy's."""

    async def shop(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "scheme": "https"}, receive, send)

    return shop


def _of_woocommerce(order: Body) -> Expected:
    total, refunded = minor(order["total"]), -summed(order["refunds"], "total")
    goods = summed(order["line_items"], "total")
    return Expected(
        external_id=str(order["id"]), total=total, goods=goods, refunded=refunded, goods_back=goods * refunded // total
    )


def standard(now: datetime) -> Row:
    """A refund and a parcel come before their order."""
    refund = {"order_id": EXAMPLE_ORDER["id"], "currency": EXAMPLE_ORDER["currency"], **EXAMPLE_REFUND}
    fulfilment = {"order_id": EXAMPLE_ORDER["id"], **EXAMPLE_FULFILMENT}
    first = {**EXAMPLE_ORDER, "updated_at": EXAMPLE_ORDER["placed_at"], "paid_at": None}
    first |= {"financial_status": "pending", "refunds": [], "fulfilments": [], "returns": []}
    told = {**EXAMPLE_ORDER, "refunds": [], "returns": []}
    events = [
        ("refund.created", refund), ("fulfilment.updated", fulfilment), ("order.updated", told),
        ("order.created", first),
    ]  # fmt: skip
    lines = EXAMPLE_ORDER["lines"]
    goods = sum(line["quantity"] * line["unit_price_minor"] - line["discount_minor"] for line in lines)
    return Row(
        platform="standard",
        store={"account": "own", "currency": "USD"},
        hooks=[("", {"type": kind, "timestamp": rfc3339(now), "data": content}) for kind, content in events],
        orders=[
            [
                Expected(
                    external_id=EXAMPLE_ORDER["id"],
                    total=goods + EXAMPLE_ORDER["shipping_minor"] + EXAMPLE_ORDER["tax_minor"],
                    goods=goods,
                    refunded=EXAMPLE_REFUND["amount_minor"],
                    goods_back=sum(line["amount_minor"] for line in EXAMPLE_REFUND["lines"]),
                )
            ]
        ],
    )
