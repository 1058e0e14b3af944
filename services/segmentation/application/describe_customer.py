"""Who a customer is, as far as segmentation needs it: no name, no address, no birthday."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from services.segmentation.application.workspace import Shop, Workspace
from services.segmentation.domain.profile import Description, described, erased


def describe_customer(
    workspace: Workspace,
    event: Event[Fact],
    customer_id: UUID,
    description: Description,
    *,
    registered_at: datetime | None,
) -> None:
    """The customer is as the newest description has it, and known since it was registered.

    The description is about that very identity: an absorbed customer's never overwrites its survivor's.
    """
    shop = workspace.shop(event.merchant_id)
    customer = described(shop.customers[customer_id], description)
    if registered_at is not None:
        customer = replace(customer, registered_at=registered_at)
    shop.customers[customer_id] = customer


def erase_customer(workspace: Workspace, event: Event[Fact], customer_id: UUID, at: datetime) -> None:
    """Nothing that describes the person is left; the sums stay, since what was sold stays sold.

    An absorbed customer stands for its survivor: they are one person, so the survivor is forgotten with all its
    aliases, whichever of the ids the fact names.
    """
    shop = workspace.shop(event.merchant_id)
    forget(shop, shop.owner(customer_id), at)


def forget(shop: Shop, survivor_id: UUID, at: datetime) -> None:
    """The survivor and its aliases have no description; its timeline is cleared when the workspace is stored."""
    for customer_id in [each for each in shop.customers if shop.owner(each) == survivor_id]:
        shop.customers[customer_id] = erased(shop.customers[customer_id], at)
