"""Says what customers said and did besides ordering, in the words of the contracts; each once."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from libs.contracts import commerce
from libs.contracts.fact import Fact
from libs.kernel.identifiers import derived_id
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.storefront import Storefront

_FACTS: Final[Mapping[str, tuple[type[Fact], str]]] = {
    "review.posted": (commerce.ReviewPostedV1, "review_id"),
    "feedback.received": (commerce.FeedbackReceivedV1, "feedback_id"),
    "buyer_message.received": (commerce.BuyerMessageReceivedV1, "message_id"),
    "ticket.opened": (commerce.TicketOpenedV1, "ticket_id"),
    "ticket.resolved": (commerce.TicketResolvedV1, "ticket_id"),
    "social_action.performed": (commerce.SocialActionPerformedV1, "action_id"),
    "customer_event.recorded": (commerce.CustomerEventRecordedV1, "event_id"),
    "checkout.started": (commerce.CheckoutStartedV1, "checkout_id"),
    "visits.reported": (commerce.VisitsReportedV1, ""),
    "subscription.started": (commerce.SubscriptionStartedV1, ""),
    "subscription.renewed": (commerce.SubscriptionRenewedV1, ""),
    "subscription.ended": (commerce.SubscriptionEndedV1, ""),
}
"""By kind: the fact, and the field that has its own id, if it has one."""


class Parties(NamedTuple):
    """Who it was, and who gets what they pay for, if that is somebody else; a store's report is about nobody."""

    customer_id: UUID | None = None
    recipient_customer_id: UUID | None = None


NOBODY: Final = Parties()


def digest_of(storefront: Storefront, happening: Happening) -> bytes:
    """What tells a happening from every other of its merchant, in 16 bytes."""
    name = f"{storefront.store_id}\x1f{happening.kind}\x1f{happening.external_id}"
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def tell(workspace: Workspace, entry: Entry, happening: Happening, parties: Parties, seals: Seals) -> None:
    """The happening is said in the workspace."""
    storefront = entry.storefront
    fact, own_id = _FACTS[happening.kind]
    words: dict[str, Any] = {"store_id": storefront.store_id, "at": happening.at, **happening.words}
    words |= {**parties._asdict(), **_links(storefront, happening)}
    if own_id:
        words[own_id] = _id(storefront, own_id, happening.external_id)
    if happening.private is not None:
        words["text_sealed"] = seals.seal({"text": happening.private})
    workspace.tell(fact(**words), storefront, happening.at, entry.cause)


def _links(storefront: Storefront, happening: Happening) -> Mapping[str, UUID | tuple[UUID, ...]]:
    """What the happening is about; a fact that has no such field leaves it out."""
    links: dict[str, UUID | tuple[UUID, ...]] = {}
    if happening.order_external_id:
        links["order_id"] = storefront.order_id(happening.order_external_id)
    if happening.product_external_id:
        links["product_id"] = storefront.product_id(happening.product_external_id)
    if happening.kind == "buyer_message.received":
        conversation = happening.conversation_external_id or happening.external_id
        links["conversation_id"] = _id(storefront, "conversation_id", conversation)
    if happening.subscription_external_id:
        links["subscription_id"] = _id(storefront, "subscription_id", happening.subscription_external_id)
        links["product_ids"] = tuple(map(storefront.product_id, happening.product_external_ids))
    return links


def _id(storefront: Storefront, name: str, external_id: str) -> UUID:
    return derived_id(storefront.store_id, name.removesuffix("_id"), external_id)
