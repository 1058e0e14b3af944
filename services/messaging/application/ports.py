"""What the use cases and the entry points need of the outside, without saying how it is done.

Every port works inside a transaction that the caller opened and will commit; none commits or calls out by itself.
The renderer alone needs no transaction: it calls another process and must be called outside of one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from libs.contracts.envelope import Said
from services.messaging.application.views import (
    ContactView,
    MessageFilter,
    MessageView,
    StatementView,
    Summary,
    SuppressionView,
)
from services.messaging.application.workspace import Key, Workspace
from services.messaging.domain.admission import CapRule
from services.messaging.domain.templates import Content, Rendered, Template, TemplateVersion


class Unit(Protocol):
    """The open transaction of one merchant."""

    @property
    def connection(self) -> Any:
        """The driver's connection: adapters alone know its type."""

    @property
    def tenant(self) -> int:
        """The merchant's local number."""

    def say(self, said: Said) -> None:
        """The fact is told if the transaction commits."""


class Customers(Protocol):
    """The workspace of one customer: HTTP commands take the same road as events."""

    async def load_customer(self, unit: Unit, merchant_id: UUID, customer_id: UUID) -> Workspace | None:
        """The customer with everything that decides about them, locked; None: nobody ever named them."""

    async def store_customer(self, unit: Unit, workspace: Workspace) -> None:
        """What was changed is written, what was said is told."""


class Templates(Protocol):
    """Templates and their versions."""

    async def all(self, unit: Unit) -> Sequence[Template]:
        """Every template of the merchant, by name."""

    async def find(self, unit: Unit, template_id: UUID) -> Template | None:
        """The template, locked against other editors of its versions."""

    async def versions(self, unit: Unit, template_id: UUID) -> Sequence[TemplateVersion]:
        """Every version of the template, the newest first."""

    async def version(self, unit: Unit, template_id: UUID, number: int) -> TemplateVersion | None:
        """One version."""

    async def put_version(self, unit: Unit, version: TemplateVersion) -> None:
        """The version is as given; a new number is a new row."""

    async def publish(self, unit: Unit, version: TemplateVersion) -> None:
        """The version is stored as published and in use."""


class Renderer(Protocol):
    """Turns a template's Liquid into what a customer reads, within limits of time and memory."""

    async def render(self, content: Content, context: Mapping[str, int | str | None]) -> Rendered:
        """The subject on one line, sanitised HTML, and its plain text.

        Raises: TemplateBroken.
        """


class TemplateBroken(ValueError):
    """The template cannot be rendered; `field` says whether subject or html is at fault, the message why."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class Reading(Protocol):
    """What the screens read. Lists come newest first; `limit + 1` rows tell whether there are more."""

    async def contact(self, unit: Unit, customer_id: UUID) -> ContactView | None:
        """The contact that this id stands for today."""

    async def statements(
        self, unit: Unit, customer_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[StatementView]:
        """The consent log of the customer and of everyone merged into them."""

    async def messages(
        self, unit: Unit, wanted: MessageFilter, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[MessageView]:
        """Messages that were meant, with their outcome."""

    async def message(self, unit: Unit, message_id: UUID) -> MessageView | None:
        """One message, by the id of its intent or its own."""

    async def summary(self, unit: Unit) -> Summary:
        """Messages counted by origin, outcome and reason."""


class Suppressions(Protocol):
    """The merchant's list of addresses that must not be written to."""

    async def add(self, unit: Unit, *, channel: str, address_hash: str, at: datetime) -> SuppressionView:
        """The address is blocked by hand."""

    async def remove(self, unit: Unit, suppression_id: UUID) -> SuppressionView | None:
        """The entry is gone; None: there was none."""

    async def page(self, unit: Unit, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[SuppressionView]:
        """The entries, newest first."""


class Intents(Protocol):
    """Intents that wait."""

    async def release(self, unit: Unit, keys: Collection[Key], *, now: datetime) -> None:
        """Those of these intents that still wait are given to the sender."""


class Policies(Protocol):
    """The merchant's rules for all messages."""

    async def cap(self, unit: Unit) -> CapRule:
        """The cap in force."""

    async def set_cap(self, unit: Unit, rule: CapRule) -> None:
        """The cap is as given, from the next message on."""


class AddressHashing(Protocol):
    """The keyed hash under which addresses are matched everywhere."""

    def hash_of(self, merchant_id: UUID, email: str) -> str:
        """The hash that facts carry for this address."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the entry points reach for."""

    customers: Customers
    templates: Templates
    renderer: Renderer
    reading: Reading
    suppressions: Suppressions
    policies: Policies
    hashing: AddressHashing
    unsubscribe_key: bytes
