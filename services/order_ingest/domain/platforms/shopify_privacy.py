"""What Shopify asks on behalf of people and shops: the three compliance topics, and the app's removal.

Source: shopify.dev, "Privacy law compliance" and "Webhooks", topic app/uninstalled. They are to be answered within
thirty days; no wait of our own is added. A request for data names orders too: what is kept is told of the customer.
"""

from typing import Final

from services.order_ingest.domain.changes import StoreErasureAsked, StoreLeft
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.persons import DataAsked, ErasureAsked, Person
from services.order_ingest.domain.reading import Object, external_id, linked_id, record, required, text
from services.order_ingest.domain.storefront import Arrival, Storefront

REDACT: Final = "customers/redact"
DATA_REQUEST: Final = "customers/data_request"
SHOP_REDACT: Final = "shop/redact"
UNINSTALLED: Final = "app/uninstalled"
PRIVACY_TOPICS: Final = frozenset({REDACT, DATA_REQUEST, SHOP_REDACT, UNINSTALLED})


def asked(
    topic: str, body: Object, arrival: Arrival, storefront: Storefront
) -> ErasureAsked | DataAsked | StoreErasureAsked | StoreLeft:
    """What a delivery of one of those topics asks for.

    Raises:
        Malformed: a field is missing, or the shop is another one.
    """
    source = f"shopify {topic}"
    if topic == UNINSTALLED:
        required(text(body, "myshopify_domain"), "myshopify_domain")
        _refuse_other_shop(body, "id", storefront)
        return StoreLeft(at=arrival.at, reason="the app was uninstalled")
    _refuse_other_shop(body, "shop_id", storefront)
    if topic == SHOP_REDACT:
        if "customer" in body:
            raise Malformed("is a customer's request under another topic", "/customer")
        return StoreErasureAsked(at=arrival.at, source=source)
    person = _person(body, storefront.region)
    if topic == REDACT:
        return ErasureAsked(at=arrival.at, source=source, person=person)
    return DataAsked(at=arrival.at, source=source, person=person)


def _refuse_other_shop(body: Object, name: str, storefront: Storefront) -> None:
    # Only the body is signed, and one app secret signs for every shop: the shop inside the body must be this one.
    shop = required(external_id(body, name), name)
    if storefront.account.isdigit() and shop != storefront.account:
        raise Malformed("is another shop", f"/{name}")


def _person(body: Object, region: str | None) -> Person:
    """Whom the request names; some customers have nothing but an address."""
    customer = required(record(body, "customer"), "customer")
    return Person(
        external_id=linked_id(customer, "id"),
        email=text(customer, "email"),
        phone=text(customer, "phone"),
        region=region,
    )
