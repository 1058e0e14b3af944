"""What messaging listens to, and what it does about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from libs.contracts.commerce import (
    ConsentCapturedV1,
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    CustomerUpdatedV1,
    MerchantRegisteredV1,
    OrderPaidV1,
    StoreErasedV1,
)
from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from libs.contracts.loyalty import PointsEarnedV1
from libs.eventbus.subscriptions import Reaction
from libs.servicekit.erasure import customer_forgotten, store_forgotten
from services.messaging.application.describe_contact import describe_contact, erase_contact, register_merchant
from services.messaging.application.merge_contacts import merge_contacts
from services.messaging.application.plan_message import hear_order, plan_points_message
from services.messaging.application.record_consent import record_consent
from services.messaging.application.unmerge_contacts import unmerge_contacts
from services.messaging.application.workspace import Workspace
from services.messaging.domain.consent import Statement

TOPICS: Final = ("commerce", "loyalty")
OWN_TOPIC: Final = "messaging"


def on_consent_captured(workspace: Workspace, event: Event[ConsentCapturedV1]) -> None:
    """The captured statement is weighed against what is known."""
    fact, proof = event.fact, event.fact.proof
    record_consent(
        workspace,
        merchant_id=event.merchant_id,
        customer_id=fact.customer_id,
        channel=fact.channel,
        topic=fact.topic,
        statement=Statement(
            state=fact.state,
            at=proof.at,
            made="snapshot" if fact.snapshot else "act",
            source=proof.source,
            text_version=proof.text_version,
            ip_hash=proof.ip_hash,
        ),
        cause=event.as_cause(),
    )


def on_customer_erased(workspace: Workspace, event: Event[CustomerErasedV1]) -> None:
    """The person is forgotten, and whoever asked for it is told."""
    erase_contact(workspace, event)
    workspace.said.extend(customer_forgotten(event, topic=OWN_TOPIC))


def on_customer_data_requested(workspace: Workspace, event: Event[CustomerDataRequestedV1]) -> None:
    """Answered by a timer, which may look through the tables."""
    workspace.data_requests.append(event)


def on_store_erased(workspace: Workspace, event: Event[StoreErasedV1]) -> None:
    """Nothing about stores is kept here."""
    workspace.said.append(store_forgotten(event, topic=OWN_TOPIC))


SUBSCRIPTIONS: Final[Mapping[type[Fact], Reaction[Workspace]]] = MappingProxyType(
    {
        MerchantRegisteredV1: register_merchant,
        CustomerRegisteredV1: describe_contact,
        CustomerUpdatedV1: describe_contact,
        CustomerMergedV1: merge_contacts,
        CustomerUnmergedV1: unmerge_contacts,
        CustomerErasedV1: on_customer_erased,
        CustomerDataRequestedV1: on_customer_data_requested,
        StoreErasedV1: on_store_erased,
        ConsentCapturedV1: on_consent_captured,
        OrderPaidV1: hear_order,
        PointsEarnedV1: plan_points_message,
    }
)
