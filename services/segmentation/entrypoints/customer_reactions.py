"""Reactions to who customers are, and to the shop around them."""

from datetime import datetime
from typing import Final

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    CustomerUpdatedV1,
    MerchantRegisteredV1,
    StoreErasedV1,
    StoreUpsertedV1,
)
from libs.contracts.envelope import Event
from libs.servicekit.erasure import customer_forgotten, store_forgotten
from services.segmentation.application.describe_customer import describe_customer, erase_customer
from services.segmentation.application.merge_customers import merge_customers
from services.segmentation.application.register_merchant import register_merchant
from services.segmentation.application.unmerge_customers import unmerge_customers
from services.segmentation.application.workspace import Registration, Store, Workspace
from services.segmentation.domain.profile import Description
from services.segmentation.domain.timeline import Entry, entry_id

OWN_TOPIC: Final = "segmentation"


def on_merchant_registered(workspace: Workspace, event: Event[MerchantRegisteredV1]) -> None:
    fact = event.fact
    registration = Registration(fact.name, fact.currency, fact.time_zone, fact.registered_at)
    register_merchant(workspace, event, registration)


def on_store_upserted(workspace: Workspace, event: Event[StoreUpsertedV1]) -> None:
    fact = event.fact
    store = Store(
        store_id=fact.store_id,
        version=fact.version,
        platform=fact.platform,
        account=fact.account,
        site=fact.site,
        name=fact.name,
        currency=fact.currency,
        time_zone=fact.time_zone,
    )
    workspace.shop(event.merchant_id).put_store(store)


def on_customer_registered(workspace: Workspace, event: Event[CustomerRegisteredV1]) -> None:
    fact = event.fact
    describe_customer(workspace, event, fact.customer_id, _description(fact), registered_at=fact.registered_at)
    details = {"anonymous": fact.anonymous}
    about = entry_id(fact.customer_id, "customer.registered")
    entry = Entry(about, fact.customer_id, fact.registered_at, "customer.registered", None, details)
    workspace.shop(event.merchant_id).note(entry)


def on_customer_updated(workspace: Workspace, event: Event[CustomerUpdatedV1]) -> None:
    describe_customer(workspace, event, event.fact.customer_id, _description(event.fact), registered_at=None)


def on_customer_merged(workspace: Workspace, event: Event[CustomerMergedV1]) -> None:
    fact = event.fact
    merge_customers(workspace, event, fact.customer_id, fact.into_customer_id, fact.identity_version)


def on_customer_unmerged(workspace: Workspace, event: Event[CustomerUnmergedV1]) -> None:
    fact = event.fact
    unmerge_customers(workspace, event, fact.restored_customer_id, fact.order_ids, fact.identity_version)


def on_customer_erased(workspace: Workspace, event: Event[CustomerErasedV1]) -> None:
    erased_at: datetime = event.fact.erased_at
    erase_customer(workspace, event, event.fact.customer_id, erased_at)
    workspace.said.extend(customer_forgotten(event, topic=OWN_TOPIC))


def on_customer_data_requested(workspace: Workspace, event: Event[CustomerDataRequestedV1]) -> None:
    """Answered by a timer, which may look through the tables."""
    workspace.data_requests.append(event)


def on_store_erased(workspace: Workspace, event: Event[StoreErasedV1]) -> None:
    workspace.shop(event.merchant_id).erase_store(event.fact.store_id)
    workspace.said.append(store_forgotten(event, topic=OWN_TOPIC))


def _description(fact: CustomerRegisteredV1 | CustomerUpdatedV1) -> Description:
    return Description(
        version=fact.identity_version,
        anonymous=fact.anonymous,
        store_id=fact.store_id,
        time_zone=fact.time_zone,
        locale=fact.locale,
    )
