"""An order's facts become its newest state, and its customer's counters follow by the difference."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from services.segmentation.application.keep_segments import keep_segments
from services.segmentation.application.workspace import Shop, Workspace
from services.segmentation.domain.contribution import Contribution, contribution
from services.segmentation.domain.order import Order
from services.segmentation.domain.profile import gained, lost, revalued

Change = Callable[[Order], Order]


def record_order(workspace: Workspace, event: Event[Fact], order_id: UUID, told_of: UUID, change: Change) -> None:
    """The order is changed, and whoever it belonged or belongs to has the counters that follow.

    `told_of` is the customer that the fact names: the owner until the order itself was seen. From then on the order
    belongs to whom its newest state names, whatever key later facts come under.
    """
    shop = workspace.shop(event.merchant_id)
    before = shop.orders.get(order_id) or Order(order_id=order_id, owner_id=told_of)
    after = change(before)
    if after.sale is not None and after.sale is not before.sale:
        after = replace(after, owner_id=after.sale.customer_id)
    shop.orders[order_id] = after
    _move(workspace, shop, event, (before, after))


def _move(workspace: Workspace, shop: Shop, event: Event[Fact], orders: tuple[Order, Order]) -> None:
    """The counters of both owners hold the order after, not before, and both are in the segments that fit."""
    before, after = (contribution(order, shop.currency) for order in orders)
    old_owner, new_owner = (shop.owner(order.owner_id) for order in orders)
    if old_owner == new_owner and before == after:
        return
    move_contribution(shop, (old_owner, before), (new_owner, after))
    for customer_id in dict.fromkeys((old_owner, new_owner)):
        keep_segments(workspace, shop, customer_id, event)


def move_contribution(shop: Shop, old: tuple[UUID, Contribution | None], new: tuple[UUID, Contribution | None]) -> None:
    """The old owner lacks the old contribution, the new owner has the new one."""
    (old_owner, before), (new_owner, after) = old, new
    customers = shop.customers
    if before is not None and after is not None and old_owner == new_owner:
        customers[new_owner] = revalued(customers[new_owner], before=before, after=after)
    else:
        if before is not None:
            customers[old_owner] = lost(customers[old_owner], before)
        if after is not None:
            customers[new_owner] = gained(customers[new_owner], after)
    if before is not None:
        shop.add_to_month(old_owner, before, -1)
    if after is not None:
        shop.add_to_month(new_owner, after, 1)
