"""What order-ingest says of merchants and customers becomes what this service knows of them."""

from dataclasses import replace
from datetime import datetime

from libs.contracts.commerce import CustomerErasedV1, CustomerRegisteredV1, CustomerUpdatedV1, MerchantRegisteredV1
from libs.contracts.envelope import Event
from services.messaging.application.workspace import Workspace
from services.messaging.domain.consent import Consent
from services.messaging.domain.contact import Contact, Description, described, erased


def register_merchant(workspace: Workspace, event: Event[MerchantRegisteredV1]) -> None:
    """The merchant has its name and currency; its defaults were laid down when it was first heard of."""
    fact = event.fact
    known = workspace.merchants[event.merchant_id]
    workspace.merchants[event.merchant_id] = replace(
        known, name=fact.name, currency=fact.currency, time_zone=fact.time_zone
    )


def describe_contact(workspace: Workspace, event: Event[CustomerRegisteredV1] | Event[CustomerUpdatedV1]) -> None:
    """The contact is as the newest identity_version has it; whoever was merged away is described no more."""
    fact = event.fact
    merchant_no = workspace.merchants[event.merchant_id].merchant_no
    contact = workspace.contacts[merchant_no, fact.customer_id]
    if contact.merged_into is not None:
        return
    description = Description(
        identity_version=fact.identity_version,
        details=workspace.opened[fact.contact_sealed] if fact.contact_sealed else None,
        email_hash=fact.email_hash,
        locale=fact.locale,
        time_zone=fact.time_zone,
        anonymous=fact.anonymous,
    )
    workspace.put(described(contact, description))


def erase_contact(workspace: Workspace, event: Event[CustomerErasedV1]) -> None:
    """Nothing personal is left of the customer, and no intent of theirs will find an address.

    An absorbed customer stands for its survivor: they are one person, so the survivor is forgotten, and the proofs of
    consent of all its aliases with it. The alias bears the erasure too: a newer merge may take it elsewhere.
    """
    fact = event.fact
    merchant_no = workspace.merchants[event.merchant_id].merchant_no
    named, survivor = (
        workspace.contacts[merchant_no, fact.customer_id],
        workspace.contact(merchant_no, fact.customer_id),
    )
    for contact in (named, survivor):
        forget(workspace, contact, fact.erased_at)


def forget(workspace: Workspace, contact: Contact, at: datetime) -> None:
    """The contact is a tombstone; its consents go, and their proofs when the workspace is stored.

    Suppressed addresses stay: they are keyed hashes, and a no must hold for whoever has the address.
    """
    workspace.put(erased(contact, at=at))
    for key, _ in workspace.consents_of(contact):
        workspace.consents[key] = Consent()
    workspace.erased.add((contact.merchant_no, contact.customer_id))
