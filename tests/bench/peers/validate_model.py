"""What "validated" means in every intake figure: these forty fields of an order, no more and no fewer."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel


class Line(BaseModel):
    """One line item."""

    id: int
    product_id: int | None
    title: str
    vendor: str | None
    variant_title: str | None
    quantity: int
    price: Decimal
    total_discount: Decimal
    gift_card: bool


class Customer(BaseModel):
    """Who bought."""

    id: int
    email: str | None
    first_name: str | None
    last_name: str | None


class ShopifyOrder(BaseModel):
    """An order webhook's body."""

    id: int
    admin_graphql_api_id: str
    name: str
    email: str | None
    contact_email: str | None
    phone: str | None
    currency: str
    presentment_currency: str
    test: bool
    confirmed: bool
    taxes_included: bool
    financial_status: str
    source_name: str
    order_status_url: str
    created_at: datetime
    processed_at: datetime
    updated_at: datetime
    cancelled_at: datetime | None
    cancel_reason: str | None
    total_price: Decimal
    subtotal_price: Decimal
    total_tax: Decimal
    total_discounts: Decimal
    total_line_items_price: Decimal
    total_tip_received: Decimal
    customer: Customer
    line_items: list[Line]
