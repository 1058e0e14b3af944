"""Two customers turn out to be one person: contact and consents go on with the survivor."""

from typing import cast

from libs.contracts.commerce import CustomerMergedV1
from libs.contracts.customers import ConsentChannel
from libs.contracts.envelope import Event
from services.messaging.application.describe_contact import forget
from services.messaging.application.record_consent import change_consent
from services.messaging.application.workspace import Workspace
from services.messaging.domain.consent import Consent, strictest
from services.messaging.domain.contact import Contact, absorbed, inherited, reborn


def merge_contacts(workspace: Workspace, event: Event[CustomerMergedV1]) -> None:
    """The absorbed id is an alias of the survivor; of two consents the stricter one holds for both."""
    fact = event.fact
    merchant_no = workspace.merchants[event.merchant_id].merchant_no
    gone = workspace.contacts[merchant_no, fact.customer_id]
    if fact.identity_version <= gone.merge_version:
        return
    survivor = _survivor(workspace, merchant_no, fact)
    _move_consents(workspace, event, gone, survivor)
    workspace.put(inherited(survivor, gone))
    workspace.merged.append(((merchant_no, gone.customer_id), (survivor.merchant_no, survivor.customer_id)))
    workspace.put(absorbed(gone, into=fact.into_customer_id, identity_version=fact.identity_version))
    _forget_both(workspace, gone, workspace.contacts[survivor.merchant_no, survivor.customer_id])


def _forget_both(workspace: Workspace, gone: Contact, survivor: Contact) -> None:
    """They are one person: whoever of the two asked to be forgotten, it holds for both."""
    for erased_at in (gone.erased_at, survivor.erased_at):
        if erased_at is not None:
            forget(workspace, workspace.contacts[survivor.merchant_no, survivor.customer_id], erased_at)


def _survivor(workspace: Workspace, merchant_no: int, fact: CustomerMergedV1) -> Contact:
    found = workspace.contact(merchant_no, fact.into_customer_id)
    if found.customer_id != fact.customer_id:
        return found
    # An older merge went the other way round. The newer one is right: its survivor is nobody's alias.
    alias = workspace.contacts[merchant_no, fact.into_customer_id]
    return reborn(alias, identity_version=fact.identity_version)


def _move_consents(workspace: Workspace, event: Event[CustomerMergedV1], gone: Contact, survivor: Contact) -> None:
    for key, moved in workspace.consents_of(gone):
        _, _, channel, topic = key
        target = (survivor.merchant_no, survivor.customer_id, channel, topic)
        if survivor.erased_at is None:
            change_consent(
                workspace,
                merchant_id=event.merchant_id,
                channel=cast(ConsentChannel, channel),  # was a channel when it was recorded
                topic=topic,
                key=target,
                to=strictest(workspace.consents.get(target, Consent()), moved),
                cause=event.as_cause(),
            )
        workspace.consents[key] = Consent()
