"""Shoplazza's word that a shop has removed the app.

Source: shoplazza.dev, "Supported Webhook Events", topic app/uninstalled; what its body holds is not written there. The
topic stands in an unsigned header, so the body must be the shop's: its number and nothing of an order, a customer or a
product, whose ids are none. A body of another shape is parked, to be looked at, not believed.
"""

from typing import Final

from services.order_ingest.domain.changes import StoreLeft
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.reading import Object, external_id, record, required
from services.order_ingest.domain.storefront import Arrival, Storefront

UNINSTALLED: Final = "app/uninstalled"
_OTHERS: Final = ("order", "customer", "product", "variants", "line_items")


def left(body: Object, arrival: Arrival, storefront: Storefront) -> StoreLeft:
    """The store has ended our access.

    Raises:
        Malformed: the body is another topic's, or names another shop or none.
    """
    for name in _OTHERS:
        if name in body:
            raise Malformed("is no part of a shop: another topic's body", f"/{name}")
    shop = required(external_id(record(body, "shop") or body, "id"), "id")
    if not shop.isdigit():
        raise Malformed("is no shop's number: another topic's body", "/id")
    if storefront.account.isdigit() and shop != storefront.account:
        raise Malformed("is another shop", "/id")
    return StoreLeft(at=arrival.at, reason="the app was uninstalled")
