"""BigCommerce's thin hooks: they name an order, and the store must be asked what became of it.

Source: developer.bigcommerce.com, "Webhook Events" (orders, shipments, store), "Channel Webhooks". Only the signed
body says what happened and in which store. A hook of a channel names its order in another field than the store's own.
"""

import re
from datetime import datetime
from typing import Final

from services.order_ingest.domain.changes import OrderTouched, StoreLeft, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.bigcommerce_parts import inside
from services.order_ingest.domain.reading import (
    Object,
    external_id,
    integer,
    moment,
    record,
    required,
    text,
)
from services.order_ingest.domain.storefront import Arrival, Storefront

_CHANNEL: Final = re.compile(r"store/channel/[0-9]+/")
# The scope is "the event registered when the webhook was created", which may have been all of a kind.
_ORDER_SCOPES: Final = frozenset(
    f"store/order/{event}"
    for event in (
        "*", "created", "updated", "archived", "statusUpdated", "refund/created", "transaction/created",
        "transaction/updated",
    )
)  # fmt: skip
_SHIPMENT_SCOPES: Final = frozenset(f"store/shipment/{event}" for event in ("*", "created", "updated", "deleted"))
_UNINSTALLED: Final = "store/app/uninstalled"
_OLDEST: Final = 315_532_800
_NEWEST: Final = 7_258_118_400
"""The seconds of 1980 and of 2200: what lies outside is no time of a hook."""


def touched(body: Object, arrival: Arrival, storefront: Storefront) -> OrderTouched | StoreLeft | Unheeded:
    """The order that a hook names, or that the store has ended our access.

    Raises:
        Malformed: a field is missing, or the hook is another store's.
    """
    scope = required(text(body, "scope"), "scope")
    _refuse_other_store(body, storefront)
    if scope == _UNINSTALLED:
        return StoreLeft(at=_made_at(body) or arrival.at, reason="the app was uninstalled")
    plain = _CHANNEL.sub("store/", scope, count=1)
    if plain not in _ORDER_SCOPES | _SHIPMENT_SCOPES:
        return Unheeded("ignored", f"nothing here listens to {scope[:64]}")
    order_id = _order_id(required(record(body, "data"), "data"), of_shipment=plain in _SHIPMENT_SCOPES)
    return OrderTouched(external_id=order_id, at=_made_at(body) or arrival.at)


def _refuse_other_store(body: Object, storefront: Storefront) -> None:
    # One app's secret signs for every store that installed it: only the body says which one this is about.
    if required(text(body, "producer"), "producer") != f"stores/{storefront.account}":
        raise Malformed("is another store", "/producer")


def _order_id(data: Object, *, of_shipment: bool) -> str:
    with inside("data"):
        if of_shipment:  # its own id stands beside the order's
            return required(external_id(data, "orderId"), "orderId")
        return required(external_id(data, "order_id") or external_id(data, "id"), "id")


def _made_at(body: Object) -> datetime | None:
    if body.get("created_at") is None:
        return None
    seconds = integer(body, "created_at")
    if not _OLDEST <= seconds < _NEWEST:
        raise Malformed("is not an instant of these centuries", "/created_at")
    return moment(seconds * 1_000_000)
