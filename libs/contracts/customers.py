"""Facts of order-ingest about customers: identity, what was said about consent, and whom they care for."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from libs.contracts.fact import Fact, Instant, Part

ConsentChannel = Literal["email", "sms", "whatsapp", "wechat", "push", "phone", "post"]
ConsentState = Literal["unknown", "pending_double_opt_in", "subscribed", "unsubscribed"]
Sex = Literal["female", "male"]


class CustomerRegisteredV1(Fact):
    """A customer is known for the first time; personal data travels sealed, matching keys hashed.

    `platform_tags` are the words that shops' staff sort their customers by: they name nobody.
    """

    TYPE: ClassVar[str] = "customer.registered.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    identity_version: int
    store_id: UUID | None = None
    contact_sealed: str | None = None
    email_hash: str | None = None
    phone_hash: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_on: date | None = None
    anonymous: bool = False
    accepts_marketing: bool | None = None
    platform_tags: tuple[str, ...] = ()
    registered_at: Instant


class CustomerUpdatedV1(Fact):
    """The customer's whole current description; the higher `identity_version` wins."""

    TYPE: ClassVar[str] = "customer.updated.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    identity_version: int
    store_id: UUID | None = None
    contact_sealed: str | None = None
    email_hash: str | None = None
    phone_hash: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_on: date | None = None
    anonymous: bool = False
    accepts_marketing: bool | None = None
    platform_tags: tuple[str, ...] = ()
    updated_at: Instant


class CustomerMergedV1(Fact):
    """The last fact of the absorbed customer's life: all that it had belongs to `into_customer_id` now."""

    TYPE: ClassVar[str] = "customer.merged.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    into_customer_id: UUID
    merge_id: UUID | None = None
    identity_version: int
    merged_at: Instant


class CustomerUnmergedV1(Fact):
    """A merge was undone: `restored_customer_id` lives again, and `order_ids` belong to it.

    Told twice, under the restored customer's id and under the survivor's (`customer_id` is the one of the two): all
    that was told before under that id has been read when the fact is. Facts told later name the right one of the two.
    """

    TYPE: ClassVar[str] = "customer.unmerged.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    merge_id: UUID
    restored_customer_id: UUID
    survivor_customer_id: UUID
    order_ids: tuple[UUID, ...] = ()
    identity_version: int
    unmerged_at: Instant


class CustomerErasedV1(Fact):
    """The person asked to be forgotten; every service clears what names them."""

    TYPE: ClassVar[str] = "customer.erased.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    identity_version: int
    request_id: UUID | None = None
    email_hash: str | None = None
    phone_hash: str | None = None
    erased_at: Instant


class CustomerDataRequestedV1(Fact):
    """The person asked what is kept about them: every service answers with `data_export.completed`."""

    TYPE: ClassVar[str] = "customer.data_requested.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    request_id: UUID
    requested_at: Instant


class ConsentProof(Part):
    """Who said so, where, under which text, and when: `at` decides which of two statements holds."""

    source: str
    text_version: str | None = None
    ip_hash: str | None = None
    at: Instant


class ConsentCapturedV1(Fact):
    """A statement about consent was seen somewhere; messaging decides what holds.

    `snapshot` is true when a platform's present state was read, and false when the customer acted: a
    snapshot never lifts a withdrawal that the customer made with us.
    """

    TYPE: ClassVar[str] = "consent.captured.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    channel: ConsentChannel
    topic: str = "marketing"
    state: ConsentState
    snapshot: bool = False
    store_id: UUID | None = None
    proof: ConsentProof


class DependantRecordedV1(Fact):
    """Somebody whom a customer cares for, as a whole; of one dependant the higher `version` holds, whomever it names.

    `nickname_sealed` opens to `{nickname}`. `due_on` is the expected birth, told only until `birth_on` is known.
    `removed`: the customer does not want the dependant kept, nothing else of it is told any more.
    """

    TYPE: ClassVar[str] = "dependant.recorded.v1"
    TOPIC: ClassVar[str] = "commerce"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    store_id: UUID
    dependant_id: UUID
    version: int
    nickname_sealed: str | None = None
    birth_on: date | None = None
    due_on: date | None = None
    sex: Sex | None = None
    removed: bool = False
    at: Instant


FACTS: tuple[type[Fact], ...] = (
    CustomerRegisteredV1,
    CustomerUpdatedV1,
    CustomerMergedV1,
    CustomerUnmergedV1,
    CustomerErasedV1,
    CustomerDataRequestedV1,
    ConsentCapturedV1,
    DependantRecordedV1,
)
