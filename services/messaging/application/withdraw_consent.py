"""A customer follows the unsubscribe link: no message of that topic from now on."""

from typing import cast, get_args

from libs.contracts.customers import ConsentChannel
from services.messaging.application.record_consent import record_consent
from services.messaging.application.workspace import Suppression, Workspace
from services.messaging.domain.consent import Statement
from services.messaging.domain.unsubscribe import BadToken, Unsubscription


def withdraw_consent(workspace: Workspace, wanted: Unsubscription) -> None:
    """The consent is withdrawn and the address suppressed, both at once; doing it again changes nothing.

    The address is suppressed too, so that another customer record with the same address is covered.

    Raises: BadToken when the link names a channel that does not exist.
    """
    if wanted.channel not in get_args(ConsentChannel):
        raise BadToken(f"no channel {wanted.channel[:20]!r}")
    merchant = workspace.merchants[wanted.merchant_id]
    contact = workspace.contact(merchant.merchant_no, wanted.customer_id)
    already = next((consent for key, consent in workspace.consents_of(contact) if key[2:] == _place(wanted)), None)
    if already is None or already.state != "unsubscribed":
        record_consent(
            workspace,
            merchant_id=wanted.merchant_id,
            customer_id=wanted.customer_id,
            channel=cast(ConsentChannel, wanted.channel),  # checked above; a literal type cannot follow
            topic=wanted.topic,
            statement=Statement("unsubscribed", workspace.now, "here", "unsubscribe_link"),
            cause=None,
        )
    if contact.email_hash is not None:
        workspace.suppressed.append(
            Suppression(contact.merchant_no, wanted.channel, contact.email_hash, "unsubscribed", workspace.now)
        )


def _place(wanted: Unsubscription) -> tuple[str, str]:
    return wanted.channel, wanted.topic
