"""The items of an Amazon order: what was ordered, how much of it has left, what was called off.

Source: amzn/selling-partner-api-models, `orders_2026-01-01.json`, "OrderItem", "ItemProduct", "ItemFulfillment",
"ItemCancellation". An item that was called off keeps its row, and nothing of it is left to be sent.
"""

from dataclasses import dataclass

from services.order_ingest.domain.changes import Line
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amazon_money import Proceeds, item_proceeds
from services.order_ingest.domain.platforms.amazon_parts import inside, money
from services.order_ingest.domain.reading import Object, each, external_id, integer, own_id, record, required, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item; `sent` is None where no figure is given."""

    external_id: str
    product_id: str | None
    title: str
    quantity: int
    sent: int | None
    cancelled: bool
    cancel_reason: str | None
    unit_price: int | None
    proceeds: Proceeds | None


def items(body: Object, currency: str) -> tuple[Item, ...]:
    """The order's items in their order."""
    return tuple(each(body, "orderItems", lambda item: _item(item, currency)))


def line(item: Item) -> Line:
    """The item as it was sold.

    Raises:
        Malformed: it has no price.
    """
    if item.proceeds is None:
        raise Malformed("is missing although the order is not pending", "/proceeds")
    paid = item.proceeds
    price = paid.goods // max(item.quantity, 1) if item.unit_price is None else item.unit_price
    return Line(
        external_id=item.external_id,
        product_id=item.product_id,
        title=item.title,
        quantity=item.quantity,
        unit_price_minor=price,
        total_minor=paid.goods - paid.goods_off + paid.extras,
        discount_minor=paid.goods_off,
        tax_minor=paid.goods_tax,
    )


def _item(source: Object, currency: str) -> Item:
    product = required(record(source, "product"), "product")
    fulfillment = record(source, "fulfillment") or {}
    quantity = integer(source, "quantityOrdered", least=0)
    execution = record(record(source, "cancellation") or {}, "cancellationExecution")
    return Item(
        external_id=own_id(source, "orderItemId"),
        product_id=_product_id(product),
        title=text(product, "title") or _product_id(product) or "-",
        quantity=quantity,
        sent=_pieces(fulfillment, "quantityFulfilled"),
        cancelled=quantity == 0 or (execution is not None and not _lives(fulfillment)),
        cancel_reason=text(execution, "cancelReason") if execution is not None else None,
        unit_price=inside(product, "price", lambda price: money(price, "unitPrice", currency)),
        proceeds=item_proceeds(source, currency),
    )


def _product_id(product: Object) -> str | None:
    return external_id(product, "asin") or external_id(product, "sellerSku")


def _lives(fulfillment: Object) -> bool:
    # A part of an item may be called off as well: the figures tell how much of it is sent or still to be sent.
    return any(_pieces(fulfillment, name) for name in ("quantityFulfilled", "quantityUnfulfilled"))


def _pieces(fulfillment: Object, name: str) -> int | None:
    return None if fulfillment.get(name) is None else integer(fulfillment, name, least=0)
