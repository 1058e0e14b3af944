"""What a batch of events works on: loaded before, changed by reactions, stored after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from libs.contracts.customers import CustomerDataRequestedV1
from libs.contracts.envelope import Event, Said
from services.messaging.domain.consent import Consent, Statement
from services.messaging.domain.contact import Contact, Details
from services.messaging.domain.intents import Intent
from services.messaging.domain.templates import Template

Key = tuple[int, UUID]
"""Local merchant number and an id: nothing crosses merchants."""
ConsentKey = tuple[int, UUID, str, str]
"""Merchant number, customer, channel, topic."""


class AliasLoop(RuntimeError):
    """Merges lead from a customer back to itself: stored rows are inconsistent."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant as this service knows it; the name is empty until merchant.registered was read."""

    merchant_no: int
    merchant_id: UUID
    name: str
    currency: str
    time_zone: str
    templates: Mapping[str, Template]
    """By purpose."""


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """A consent statement as the log keeps it, for ever and unchanged."""

    key: ConsentKey
    statement: Statement
    entry_id: UUID


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that must not be written to."""

    merchant_no: int
    channel: str
    address_hash: str
    reason: str
    at: datetime


def survivor_of(contacts: Mapping[Key, Contact], merchant_no: int, customer_id: UUID) -> Contact:
    """Whom this id stands for after all merges.

    Raises: AliasLoop.
    """
    visited: set[UUID] = set()
    found = contacts[merchant_no, customer_id]
    while found.merged_into is not None:
        if found.customer_id in visited:
            raise AliasLoop(str(customer_id))
        visited.add(found.customer_id)
        found = contacts[merchant_no, found.merged_into]
    return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """The workspace as it was loaded: what differs from it is written."""

    merchants: Mapping[UUID, Merchant] = field(default_factory=dict)
    contacts: Mapping[Key, Contact] = field(default_factory=dict)
    consents: Mapping[ConsentKey, Consent] = field(default_factory=dict)
    heard_orders: frozenset[Key] = frozenset()


@dataclass(slots=True)
class Workspace:
    """All that the reactions may read and change. What was loaded and not changed is not written."""

    now: datetime
    merchants: dict[UUID, Merchant] = field(default_factory=dict)
    contacts: dict[Key, Contact] = field(default_factory=dict)
    consents: dict[ConsentKey, Consent] = field(default_factory=dict)
    opened: dict[str, Details] = field(default_factory=dict)
    """Sealed contact details by their token."""
    heard_orders: set[Key] = field(default_factory=set)
    """Live orders whose payment this service has read."""
    known_intents: set[Key] = field(default_factory=set)
    waiting: dict[Key, list[UUID]] = field(default_factory=dict)
    """Intents that wait for an order's facts, by the order."""
    said: list[Said] = field(default_factory=list)
    loaded: Loaded = field(default_factory=Loaded)

    log: dict[Key, list[LoggedStatement]] = field(default_factory=dict)
    """What those said themselves whom a batch parts, as far as it was stored before."""
    logged: list[LoggedStatement] = field(default_factory=list)
    planned: list[Intent] = field(default_factory=list)
    released: set[Key] = field(default_factory=set)
    """Intents, new or known, that may go to the sender."""
    suppressed: list[Suppression] = field(default_factory=list)
    lifted: list[Suppression] = field(default_factory=list)
    erased: set[Key] = field(default_factory=set)
    data_requests: list[Event[CustomerDataRequestedV1]] = field(default_factory=list)
    """Answered later: a reaction looks through no tables."""
    merged: list[tuple[Key, Key]] = field(default_factory=list)
    """Absorbed and surviving customer of each merge: intents go on with the survivor."""

    def remember(self) -> None:
        """Everything is as loaded: from now on, changes are changes."""
        self.loaded = Loaded(
            dict(self.merchants), dict(self.contacts), dict(self.consents), frozenset(self.heard_orders)
        )

    def plans(self) -> list[Intent]:
        """The new intents, each waiting or not as it stands at the end of the batch."""
        return [
            replace(intent, state="planned", wait_for_order_id=None)
            if (intent.merchant_no, intent.intent_id) in self.released
            else intent
            for intent in self.planned
        ]

    def contact(self, merchant_no: int, customer_id: UUID) -> Contact:
        """Whom this id stands for today."""
        return survivor_of(self.contacts, merchant_no, customer_id)

    def put(self, contact: Contact) -> None:
        """The contact is as given from now on."""
        self.contacts[contact.merchant_no, contact.customer_id] = contact

    def statements_of(self, owner: Key) -> Iterator[LoggedStatement]:
        """What was said under this id: before, if it is one that the batch parts, and in this batch."""
        yield from self.log.get(owner, ())
        yield from (entry for entry in self.logged if entry.key[:2] == owner)

    def consents_of(self, contact: Contact) -> Iterator[tuple[ConsentKey, Consent]]:
        """Every consent of the contact about which something is known."""
        owner = (contact.merchant_no, contact.customer_id)
        return iter([(key, consent) for key, consent in self.consents.items() if key[:2] == owner])
