"""Order webhooks of about ten kilobytes, each of an order of its own, signed as the platform signs them."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

from tests.services.order_ingest import bodies

SECRET: Final = "shpss_bench_0123456789abcdef"
DOMAIN: Final = "bench.myshopify.com"
_FIRST_ORDER: Final = 5_000_000_000
_FIRST_CUSTOMER: Final = 7_000_000_000
_ORDER, _CUSTOMER = 4444444444, 6666666666
"""Numbers that occur nowhere else in the template and are as long as those that take their places."""


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the webhooks go, and how many customers share the orders."""

    host: str
    port: int
    path: str
    customers: int

    def request(self, number: int) -> bytes:
        """The whole HTTP request of the order with this number."""
        body = order_body(number, self.customers)
        signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"X-Shopify-Topic: orders/create\r\nX-Shopify-Hmac-Sha256: {signature}\r\n"
            f"X-Shopify-Shop-Domain: {DOMAIN}\r\nX-Shopify-Webhook-Id: bench-{number}\r\n"
            f"X-Shopify-Triggered-At: 2026-05-02T10:15:06.123Z\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def order_external_id(number: int) -> str:
    """The platform's id of the order with this number."""
    return str(_FIRST_ORDER + number)


def order_body(number: int, customers: int) -> bytes:
    """The order's JSON."""
    customer = _FIRST_CUSTOMER + number % customers
    return _TEMPLATE.replace(str(_ORDER).encode(), order_external_id(number).encode()).replace(
        str(_CUSTOMER).encode(), str(customer).encode()
    )


def _template() -> bytes:
    lines = [_line(number) for number in range(6)]
    address = {
        "first_name": "Ann",
        "last_name": "Smith",
        "company": None,
        "address1": "151 O'Connor Street",
        "address2": "Suite 400",
        "phone": None,
        "city": "Brooklyn",
        "zip": "11201",
        "province": "New York",
        "country": "United States",
        "latitude": 40.6943,
        "longitude": -73.9249,
        "name": "Ann Smith",
        "country_code": "US",
        "province_code": "NY",
    }
    email = f"c{_CUSTOMER}@shop.example"
    customer = {"id": _CUSTOMER, "email": email, "first_name": "Ann", "last_name": "Smith", "default_address": address}
    order = bodies.order(
        id=_ORDER,
        currency="EUR",
        presentment_currency="EUR",
        admin_graphql_api_id=f"gid://shopify/Order/{_ORDER}",
        name=f"#{_ORDER}",
        email=email,
        contact_email=email,
        order_status_url=f"https://{DOMAIN}/690933842/orders/{_ORDER}/authenticate?key=abcd",
        line_items=lines,
        customer=customer,
        billing_address=address,
        shipping_address=address,
        subtotal_price="215.88",
        total_line_items_price="239.88",
        **_figures("215.88"),
        client_details={
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            "browser_ip": None,
        },
        note_attributes=[{"name": f"attribute {n}", "value": "a value of a note attribute"} for n in range(6)],
        payment_gateway_names=["visa", "bogus"],
        tags="spring, newsletter, returning",
        landing_site="/collections/mugs?utm_source=newsletter&utm_medium=email&utm_campaign=spring",
        referring_site="https://search.example/?q=mugs",
    )
    return bodies.encoded(order)


def _line(number: int) -> dict[str, Any]:
    return bodies.line(
        id=_ORDER * 10 + number,
        product_id=8_000_000_000 + number,
        title=f"Stoneware mug, glazed by hand, number {number}",
        sku=f"MUG-{number:04}-GREEN",
        fulfillable_quantity=2,
        fulfillment_service="manual",
        grams=340,
        requires_shipping=True,
        taxable=True,
        variant_id=9_000_000_000 + number,
        admin_graphql_api_id=f"gid://shopify/LineItem/{_ORDER}{number}",
        **_figures("19.99"),
        origin_location={
            "id": 1390592786454,
            "country_code": "US",
            "province_code": "NY",
            "name": "Bench",
            "zip": "11201",
        },
        duties=[],
    )


def _figures(amount: str) -> dict[str, Any]:
    """The platform says every amount twice, in the shop's and in the buyer's currency."""
    money = {"amount": amount, "currency_code": "EUR"}
    names = ("price_set", "total_discount_set", "total_tax_set", "total_duties_set")
    return {name: {"shop_money": money, "presentment_money": money} for name in names}


_TEMPLATE: Final = _template()
