"""All that an absorbed customer had belongs to its survivor, and so does whatever is still told of it."""

from uuid import UUID

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from services.segmentation.application.describe_customer import forget
from services.segmentation.application.keep_segments import keep_segments
from services.segmentation.application.workspace import Shop, Workspace
from services.segmentation.domain.identity import merge
from services.segmentation.domain.profile import absorbed, emptied
from services.segmentation.domain.timeline import Entry, entry_id


def merge_customers(workspace: Workspace, event: Event[Fact], absorbed_id: UUID, into_id: UUID, version: int) -> None:
    """The alias row stands; orders, counters, months, timeline and memberships are the survivor's.

    Nothing happens where a newer identity version already said otherwise.
    """
    shop = workspace.shop(event.merchant_id)
    changed = merge(absorbed_id, into_id, version, shop.customers)
    if not changed:
        return
    shop.customers.update(changed)
    survivor_id = shop.owner(absorbed_id)
    if survivor_id != absorbed_id:
        _hand_over(shop, absorbed_id, survivor_id)
        _forget_both(shop, absorbed_id, survivor_id)
    shop.note(_entry(event, absorbed_id, into_id))
    keep_segments(workspace, shop, absorbed_id, event)
    keep_segments(workspace, shop, survivor_id, event)


def _hand_over(shop: Shop, absorbed_id: UUID, survivor_id: UUID) -> None:
    other = shop.customers[absorbed_id]
    shop.customers[survivor_id] = absorbed(shop.customers[survivor_id], other)
    shop.customers[absorbed_id] = emptied(other)
    # Rows, stored or noted in this batch, move when the workspace is stored: they follow the alias.
    shop.absorbed.append(absorbed_id)


def _forget_both(shop: Shop, absorbed_id: UUID, survivor_id: UUID) -> None:
    """They are one person: whoever of the two asked to be forgotten, it holds for both."""
    for erased_at in [shop.customers[each].erased_at for each in (absorbed_id, survivor_id)]:
        if erased_at is not None:
            forget(shop, survivor_id, erased_at)


def _entry(event: Event[Fact], absorbed_id: UUID, into_id: UUID) -> Entry:
    about = entry_id(absorbed_id, "customer.merged", str(into_id))
    details = {"absorbed_customer_id": str(absorbed_id)}
    return Entry(about, into_id, event.envelope.occurred_at, "customer.merged", None, details)
