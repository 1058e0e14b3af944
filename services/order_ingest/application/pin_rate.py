"""Pins the exchange rate in an order of a currency that is not the merchant's."""

from dataclasses import replace

from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Placing, Workspace
from services.order_ingest.domain.changes import OrderSeen
from services.order_ingest.domain.order import Order


def placing_of(entry: Entry) -> Placing | None:
    """The placing for which the entry needs a rate; None if it is no order's, or one in the merchant's currency."""
    storefront, change = entry.storefront, entry.change
    if not isinstance(change, OrderSeen) or change.content.currency == storefront.merchant_currency:
        return None
    content = change.content
    return Placing(storefront.merchant_no, content.currency, storefront.merchant_currency, content.placed_at)


def pin_rate(workspace: Workspace, entry: Entry, before: Order, after: Order) -> Order:
    """The order with its rate, once: what was told in this currency keeps its rate, or stays without one."""
    if after.currency == before.currency:
        return after
    placing = placing_of(entry)
    return replace(after, fx=workspace.rates.get(placing) if placing else None)
