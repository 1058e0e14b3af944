"""Says whom a customer cares for, in the words of the contracts: the nickname sealed, each dependant as last stated."""

from uuid import UUID

from libs.contracts.commerce import DependantRecordedV1
from libs.kernel.identifiers import derived_id
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.dependant import Dependant, DependantMark, see
from services.order_ingest.domain.persons import DependantSeen
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.storefront import Storefront


def id_of(storefront: Storefront, seen: DependantSeen) -> UUID:
    """The dependant's id: the same for all statements about it."""
    return derived_id(storefront.store_id, "dependant", seen.external_id)


def tell(workspace: Workspace, entry: Entry, seen: DependantSeen, customer_id: UUID, seals: Seals) -> None:
    """The statement is kept if it is the newest, and said if it says something new."""
    storefront = entry.storefront
    known = workspace.dependants.get(id_of(storefront, seen))
    after = see(
        known,
        Dependant(
            dependant_id=id_of(storefront, seen),
            mark=DependantMark(microseconds(seen.at), seen.removed, entry.version.body_hash),
            told=seals.blind_index(storefront.merchant_id, "dependant", _words(seen, customer_id)),
        ),
    )
    if after is known:
        return
    workspace.dependants[after.dependant_id] = after
    workspace.touched_dependants[after.dependant_id] = storefront
    if known is None or after.version > known.version:
        workspace.tell(_fact(after, storefront, seen, customer_id, seals), storefront, seen.at, entry.cause)


def _words(seen: DependantSeen, customer_id: UUID) -> str:
    """All that is said, as one text, the nickname last: it is the only part that may hold any character.

    The customer counts as it is now: after a merge the same words are said once more, which tells nobody anything new.
    """
    dates = [day.isoformat() if day else "" for day in (seen.birth_on, seen.due_on)]
    return "\x1f".join([str(customer_id), str(seen.removed), *dates, seen.sex or "", seen.nickname or ""])


def _fact(
    dependant: Dependant, storefront: Storefront, seen: DependantSeen, customer_id: UUID, seals: Seals
) -> DependantRecordedV1:
    return DependantRecordedV1(
        customer_id=customer_id,
        store_id=storefront.store_id,
        dependant_id=dependant.dependant_id,
        version=dependant.version,
        nickname_sealed=seals.seal({"nickname": seen.nickname}) if seen.nickname else None,
        birth_on=seen.birth_on,
        due_on=seen.due_on,
        sex=seen.sex,
        removed=seen.removed,
        at=seen.at,
    )
