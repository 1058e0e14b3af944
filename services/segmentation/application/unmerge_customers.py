"""A merge was undone: the restored customer has its orders again, and all that follows from them."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from services.segmentation.application.keep_segments import keep_segments
from services.segmentation.application.record_order import move_contribution
from services.segmentation.application.workspace import MonthSums, Shop, Workspace
from services.segmentation.domain.contribution import contribution
from services.segmentation.domain.identity import path, unmerge


def unmerge_customers(
    workspace: Workspace, event: Event[Fact], restored_id: UUID, order_ids: Sequence[UUID], version: int
) -> None:
    """The orders, as far as they are known, belong to whoever the restored customer is now.

    Told under two ids, and right after either: what was told of the orders under the survivor's id comes before the
    fact that is told under that id. A newer merge stands.
    """
    shop = workspace.shop(event.merchant_id)
    holders = {id_: shop.owner(shop.orders[id_].owner_id) for id_ in order_ids if id_ in shop.orders}
    before = shop.owner(restored_id)
    changed = unmerge(restored_id, version, shop.customers)
    if changed and restored_id in shop.absorbed:
        _keep_merged(shop, restored_id, before)
    shop.customers.update(changed)
    owner = shop.owner(restored_id)
    for order_id, holder in holders.items():
        _return(shop, order_id, restored_id, holder, owner)
    for customer_id in sorted({restored_id, before, owner, *holders.values()}):
        keep_segments(workspace, shop, customer_id, event)


def _keep_merged(shop: Shop, restored_id: UUID, survivor_id: UUID) -> None:
    """A merge of this very batch has happened to the sums: what is stored or was added before it follows it yet."""
    shop.returned.setdefault(restored_id, survivor_id)
    for customer_id, month in list(shop.months):
        if restored_id in path(customer_id, shop.customers):
            sums = shop.months.pop((customer_id, month))
            merged = shop.months.setdefault((survivor_id, month), MonthSums())
            merged.orders += sums.orders
            merged.spend_minor += sums.spend_minor


def _return(shop: Shop, order_id: UUID, restored_id: UUID, holder: UUID, owner: UUID) -> None:
    order = shop.orders[order_id] = replace(shop.orders[order_id], owner_id=restored_id)
    counted = contribution(order, shop.currency)
    if holder != owner:
        move_contribution(shop, (holder, counted), (owner, counted))
