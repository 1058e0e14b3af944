"""Which fields of Magento's answers are asked for: those that are read, and no others.

An order comes with its rows twice, addresses, the card's last digits and the buyer's address in the network, a
shipment with the pictures of its labels: what nobody reads is not fetched, and not kept.
Source: developer.adobe.com/commerce/webapi/rest/use-rest, "Retrieve filtered responses for REST endpoints".
"""

from collections.abc import Mapping
from typing import Final

_MONEY: Final = "row_total,discount_amount,discount_tax_compensation_amount,tax_amount,weee_tax_applied_row_amount"
_ROW: Final = (
    "item_id,parent_item_id,product_id,product_type,name,sku,qty_ordered,qty_canceled,price,base_price," + _MONEY
)

ORDER: Final = ",".join(
    (
        "entity_id,increment_id,state,created_at,updated_at,order_currency_code,coupon_code",
        "grand_total,tax_amount,discount_amount,total_paid,total_refunded",
        "shipping_amount,shipping_discount_amount,shipping_discount_tax_compensation_amount",
        "total_canceled,tax_canceled,discount_canceled,shipping_canceled",
        "customer_id,customer_is_guest,customer_email,customer_firstname,customer_lastname,customer_dob",
        "billing_address[email,firstname,lastname,telephone,country_id]",
        "extension_attributes[shipping_assignments[shipping[address[country_id]]]]",
        "payment[amount_authorized]",
        f"items[{_ROW}]",
    )
)
PARTS: Final[Mapping[str, str]] = {
    "creditmemos": ",".join(
        (
            "entity_id,order_id,state,created_at,grand_total",
            "shipping_amount,discount_amount,shipping_discount_tax_compensation_amount",
            f"items[order_item_id,qty,{_MONEY}]",
        )
    ),
    "shipments": "entity_id,order_id,created_at,items[order_item_id,qty]",
    "invoices": "entity_id,order_id,state,created_at",
}
"""What belongs to an order, by its place in the API."""
