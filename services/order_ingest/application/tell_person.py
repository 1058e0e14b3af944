"""Says who customers are, in the words of the contracts: contact details sealed, keys hashed."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from libs.contracts.commerce import (
    ConsentCapturedV1,
    ConsentProof,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUpdatedV1,
)
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.customer import ConsentMark, Customer, consent
from services.order_ingest.domain.parting import merge_id
from services.order_ingest.domain.people import Merged, PersonNews, Registered, Updated
from services.order_ingest.domain.persons import Consent
from services.order_ingest.domain.reading import microseconds

SEALED: Final[tuple[str, ...]] = ("email", "phone", "given_name", "family_name")


def tell(workspace: Workspace, entry: Entry, news: PersonNews, seals: Seals) -> None:
    """The news is said in the workspace."""
    storefront, at = entry.storefront, entry.at
    match news:
        case Registered(customer=customer):
            registered = CustomerRegisteredV1(
                **_description(customer, entry, seals), registered_at=customer.registered_at
            )
            workspace.tell(registered, storefront, customer.registered_at, entry.cause)
        case Updated(customer=customer):
            updated = CustomerUpdatedV1(**_description(customer, entry, seals), updated_at=at)
            workspace.tell(updated, storefront, at, entry.cause)
        case Merged(absorbed=absorbed, into=into):
            merged = CustomerMergedV1(
                customer_id=absorbed.customer_id,
                into_customer_id=into,
                merge_id=merge_id(absorbed.customer_id, into, absorbed.identity_version),
                identity_version=absorbed.identity_version,
                merged_at=at,
            )
            workspace.tell(merged, storefront, at, entry.cause)


def _description(customer: Customer, entry: Entry, seals: Seals) -> dict[str, Any]:
    # Keyword arguments of two contract classes that share these fields.
    values, merchant_id = customer.told_values(), entry.storefront.merchant_id
    contact = {name: values[name] for name in SEALED if name in values}
    birth_on, accepts = values.get("birth_on"), values.get("accepts_marketing")
    return {
        "customer_id": customer.customer_id,
        "identity_version": customer.identity_version,
        "store_id": customer.store_id,
        "contact_sealed": seals.seal(contact) if contact else None,
        "email_hash": seals.blind_index(merchant_id, "email", values["email"]) if "email" in values else None,
        "phone_hash": seals.blind_index(merchant_id, "phone", values["phone"]) if "phone" in values else None,
        "locale": values.get("locale"),
        "time_zone": values.get("time_zone"),
        "birth_on": date.fromisoformat(birth_on) if birth_on else None,
        "anonymous": customer.is_anonymous,
        "accepts_marketing": None if accepts is None else accepts == "yes",
        "platform_tags": customer.platform_tags,
    }


def tell_consent(workspace: Workspace, entry: Entry, customer_id: UUID, said: Consent) -> None:
    """The statement is said, if it is newer than what was said before about its channel and topic."""
    people = workspace.people[entry.storefront.merchant_no]
    mark = ConsentMark(microseconds(said.at), said.state == "unsubscribed", said.state)
    customer, is_news = consent(people.customers[customer_id], f"{said.channel}/{said.topic}", mark)
    if not is_news:
        return
    people.keep(customer)
    fact = ConsentCapturedV1(
        customer_id=customer_id,
        channel=said.channel,
        topic=said.topic,
        state=said.state,
        snapshot=said.snapshot,
        store_id=entry.storefront.store_id,
        proof=ConsentProof(source=said.source, text_version=said.text_version, at=said.at),
    )
    workspace.tell(fact, entry.storefront, said.at, entry.cause)
