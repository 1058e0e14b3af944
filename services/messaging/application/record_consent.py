"""A statement about consent is heard: logged, weighed, and told if it changed what holds."""

from uuid import UUID

from libs.contracts.commerce import ConsentProof
from libs.contracts.customers import ConsentChannel
from libs.contracts.envelope import Cause, Said
from libs.contracts.messaging import ConsentChangedV1
from libs.kernel.identifiers import derived_id
from services.messaging.application.workspace import ConsentKey, LoggedStatement, Suppression, Workspace
from services.messaging.domain.consent import Consent, Statement, heard
from services.messaging.domain.contact import Contact


def record_consent(
    workspace: Workspace,
    *,
    merchant_id: UUID,
    customer_id: UUID,
    channel: ConsentChannel,
    topic: str,
    statement: Statement,
    cause: Cause | None,
) -> None:
    """The statement counts for whoever the customer is today; hearing it again changes nothing."""
    merchant_no = workspace.merchants[merchant_id].merchant_no
    contact = workspace.contact(merchant_no, customer_id)
    if contact.erased_at is not None:
        return
    key = (merchant_no, contact.customer_id, channel, topic)
    before = workspace.consents.get(key, Consent())
    after = heard(before, statement)
    workspace.logged.append(LoggedStatement(key, statement, _entry_id(key, statement)))
    change_consent(workspace, merchant_id=merchant_id, channel=channel, topic=topic, key=key, to=after, cause=cause)
    if statement.made != "snapshot" and statement.state == after.state == "subscribed":
        _lift(workspace, contact, channel, statement)


def change_consent(
    workspace: Workspace,
    *,
    merchant_id: UUID,
    channel: ConsentChannel,
    topic: str,
    key: ConsentKey,
    to: Consent,
    cause: Cause | None,
) -> None:
    """The consent is `to`; a change of the state that holds is told."""
    before = workspace.consents.get(key, Consent())
    workspace.consents[key] = to
    if to.holding is None or to.state == before.state:
        return
    holding = to.holding
    fact = ConsentChangedV1(
        customer_id=key[1],
        channel=channel,
        topic=topic,
        from_state=before.state,
        to_state=to.state,
        proof=ConsentProof(
            source=holding.source, text_version=holding.text_version, ip_hash=holding.ip_hash, at=holding.at
        ),
        at=holding.at,
    )
    workspace.said.append(Said(fact=fact, merchant_id=merchant_id, occurred_at=holding.at, cause=cause))


def _entry_id(key: ConsentKey, statement: Statement) -> UUID:
    """The same for the same statement, so that a repeated one is logged once."""
    said = (statement.state, statement.made, statement.source, statement.at.isoformat())
    return derived_id(key[1], "consent", key[2], key[3], *said)


def _lift(workspace: Workspace, contact: Contact, channel: str, statement: Statement) -> None:
    """A subscription after an unsubscription opens the address again; bounces and complaints stay."""
    if contact.email_hash is not None:
        workspace.lifted.append(
            Suppression(contact.merchant_no, channel, contact.email_hash, "unsubscribed", statement.at)
        )
