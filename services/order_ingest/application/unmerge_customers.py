"""The fold's part about merges that were wrong: the absorbed customer lives again, and every service is told."""

from libs.contracts.commerce import CustomerUnmergedV1
from services.order_ingest.application import tell_person
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.parting import Unmerged, part
from services.order_ingest.domain.people import Updated
from services.order_ingest.domain.persons import UnmergeAsked


def unmerge(workspace: Workspace, entry: Entry, asked: UnmergeAsked, seals: Seals) -> bool:
    """The two are apart, and both are told as they are by themselves; False if there is nothing to undo any more."""
    people = workspace.people[entry.storefront.merchant_no]
    parted = part(people, asked.customer_id, identity_version=asked.identity_version, at=asked.at)
    if parted is None:
        return False
    workspace.unmerged.append((entry.storefront.merchant_no, parted))
    _tell(workspace, entry, parted)
    for each in (parted.restored, parted.survivor):
        tell_person.tell(workspace, entry, Updated(each), seals)
    return True


def _tell(workspace: Workspace, entry: Entry, parted: Unmerged) -> None:
    """Told under both ids: whoever has read either has also read all that was told before under that id."""
    restored_id, survivor_id = parted.restored.customer_id, parted.survivor.customer_id
    for customer_id in (restored_id, survivor_id):
        fact = CustomerUnmergedV1(
            customer_id=customer_id,
            merge_id=parted.merge_id,
            restored_customer_id=restored_id,
            survivor_customer_id=survivor_id,
            order_ids=workspace.orders_of_lives.get(restored_id, ()),
            identity_version=parted.restored.identity_version,
            unmerged_at=entry.at,
        )
        workspace.tell(fact, entry.storefront, entry.at, entry.cause)
