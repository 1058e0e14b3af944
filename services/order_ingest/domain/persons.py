"""What is said of people, in the words of whoever named them: addresses raw, nothing normalised."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A statement about one channel; `snapshot`: the platform's present state, not the customer's own act."""

    channel: str
    topic: str
    state: str
    at: datetime
    source: str
    snapshot: bool
    text_version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagsSaid:
    """What a shop's staff did to a customer's tags at an instant; `is_all`: `held` are all that there are."""

    at: datetime
    held: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a delivery names, in the platform's words: addresses raw, nothing normalised."""

    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    region: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_on: date | None = None
    accepts_marketing: bool | None = None
    consents: tuple[Consent, ...] = ()
    tags: TagsSaid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSeen:
    """A version of a customer's description."""

    updated_us: int
    person: Person
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomersJoined:
    """The platform has made one customer of two: whoever was `absorbed_external_id` is `kept_external_id`."""

    kept_external_id: str
    absorbed_external_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DependantSeen:
    """Somebody whom a person cares for, as a whole; `due_on` is the expected birth. Of one removed nothing is said."""

    external_id: str
    at: datetime
    person: Person
    nickname: str | None = None
    birth_on: date | None = None
    due_on: date | None = None
    sex: str | None = None
    removed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureAsked:
    """A person is to be forgotten: whoever `person` names, or the customer of that id.

    `request_id` names a request that is on record already; with `whole_store` it is the store's, and one of many.
    """

    at: datetime
    source: str
    person: Person = Person()
    customer_id: UUID | None = None
    request_id: UUID | None = None
    whole_store: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmergeAsked:
    """The merge that ended the customer's life at that version was wrong."""

    at: datetime
    source: str
    customer_id: UUID
    identity_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAsked:
    """A person wants to see what is kept about them; fields as of `ErasureAsked`."""

    at: datetime
    source: str
    person: Person = Person()
    customer_id: UUID | None = None
    request_id: UUID | None = None
