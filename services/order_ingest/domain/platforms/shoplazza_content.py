"""What a Shoplazza order holds.

Source: shoplazza.dev, "Order Properties": `sub_total` is the sum of price times quantity; `total_discount` has the
discounts of goods, shipping and payment in it; `total_tax` is the goods' tax, inside their prices if
`config.product_tax_included`; `shipping_tax_total` is always added; `total_price` is what was paid, tips and fees
included.
"""

from services.order_ingest.domain.changes import Line, OrderContent
from services.order_ingest.domain.platforms.amounts import amount, currency_of, decimal, minor
from services.order_ingest.domain.platforms.shoplazza_money import discounted, order_discount, worth
from services.order_ingest.domain.reading import (
    Object,
    each,
    external_id,
    flag,
    instant,
    integer,
    own_id,
    record,
    required,
    text,
)


def content(body: Object, *, financial_status: str | None) -> OrderContent:
    """The whole order as the body tells it; `financial_status` is given in our own words."""
    currency = currency_of(body)
    lines = tuple(each(body, "line_items", lambda item: _line(item, currency)))
    shipping, shipping_tax = worth(body, "total_shipping", currency), worth(body, "shipping_tax_total", currency)
    discount = order_discount(body, currency, goods=sum(line.total_minor for line in lines), shipping=shipping)
    tax_included = _tax_included(body)
    code = text(body, "discount_code")
    return OrderContent(
        number=external_id(body, "number"),
        placed_at=required(instant(body, "placed_at") or instant(body, "created_at"), "created_at"),
        currency=currency,
        tax_included=tax_included,
        financial_status=financial_status,
        # Where the goods' prices hold their tax, shipping is told with its own: Shoplazza adds that one all the same.
        shipping_minor=shipping - discount.shipping + (shipping_tax if tax_included else 0),
        tax_minor=worth(body, "total_tax", currency) + shipping_tax,
        discount_minor=worth(body, "total_discount", currency),
        lines=discounted(lines, discount.goods),
        coupon_codes=(code,) if code else (),
    )


def difference(body: Object, seen: OrderContent) -> str | None:
    """The remark that our parts do not make the shop's total: duties and gift cards are said, not swallowed."""
    extra = sum(worth(body, name, seen.currency) for name in ("total_tip_received", "additional_total"))
    theirs = amount(body, "total_price", seen.currency) - extra
    if theirs == seen.total_minor:
        return None
    return (
        f"total_price without tip and fees is {theirs}, lines, shipping and tax make {seen.total_minor} (minor units)"
    )


def _line(source: Object, currency: str) -> Line:
    """One of `line_items`, before the order's discount."""
    quantity = integer(source, "quantity", least=0)
    return Line(
        external_id=own_id(source),
        product_id=external_id(source, "product_id"),
        title=text(source, "product_title") or "-",
        quantity=quantity,
        unit_price_minor=worth(source, "price", currency),
        total_minor=minor(decimal(source, "price") * quantity, currency, "price"),
        variant=text(source, "variant_title"),
        brand=text(source, "vendor"),
    )


def _tax_included(body: Object) -> bool:
    # The order's own setting is in `config`; older bodies have only the plain field.
    stated = flag(record(body, "config") or {}, "product_tax_included")
    return bool(flag(body, "product_tax_included") if stated is None else stated)
