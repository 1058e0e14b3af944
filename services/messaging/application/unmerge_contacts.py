"""Two customers were two people after all: the restored one is a contact again, with what they said themselves."""

from functools import reduce
from typing import cast

from libs.contracts.commerce import CustomerUnmergedV1
from libs.contracts.customers import ConsentChannel
from libs.contracts.envelope import Event
from services.messaging.application.record_consent import change_consent
from services.messaging.application.workspace import ConsentKey, Key, Workspace
from services.messaging.domain.consent import Consent, Statement, heard
from services.messaging.domain.contact import reborn


def unmerge_contacts(workspace: Workspace, event: Event[CustomerUnmergedV1]) -> None:
    """The restored contact's consents follow from their own statements; their details come with the next description.

    The survivor keeps what decides by their own word, and loses a decision that was the restored customer's. An older
    or repeated undoing changes nothing.
    """
    fact = event.fact
    merchant_no = workspace.merchants[event.merchant_id].merchant_no
    restored = workspace.contacts[merchant_no, fact.restored_customer_id]
    if fact.identity_version <= restored.merge_version:
        return
    survivor = workspace.contact(merchant_no, fact.restored_customer_id)
    workspace.put(reborn(restored, identity_version=fact.identity_version))
    if survivor.erased_at is not None or restored.erased_at is not None:
        return
    gone = (merchant_no, restored.customer_id)
    for key in _channels(workspace, gone):
        _decide(workspace, event, key)
    if survivor.customer_id != restored.customer_id:
        _give_back(workspace, event, gone, (merchant_no, survivor.customer_id))


def _give_back(workspace: Workspace, event: Event[CustomerUnmergedV1], gone: Key, survivor: Key) -> None:
    for key in _channels(workspace, gone):
        kept = (*survivor, key[2], key[3])
        holding = workspace.consents.get(kept, Consent()).holding
        if holding is not None and holding in _said(workspace, key):
            _decide(workspace, event, kept)


def _decide(workspace: Workspace, event: Event[CustomerUnmergedV1], key: ConsentKey) -> None:
    change_consent(
        workspace,
        merchant_id=event.merchant_id,
        channel=cast(ConsentChannel, key[2]),  # was a channel when it was recorded
        topic=key[3],
        key=key,
        to=reduce(heard, _said(workspace, key), Consent()),
        cause=event.as_cause(),
    )


def _channels(workspace: Workspace, owner: Key) -> list[ConsentKey]:
    return sorted({entry.key for entry in workspace.statements_of(owner)})


def _said(workspace: Workspace, key: ConsentKey) -> list[Statement]:
    return [entry.statement for entry in workspace.statements_of(key[:2]) if entry.key == key]
