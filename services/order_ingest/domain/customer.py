"""A customer: who they are to us, by which names they are known, and what they last said about themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import Final, NamedTuple
from uuid import UUID

from services.order_ingest.domain import tags
from services.order_ingest.domain.statements import Description

FIELDS: Final = (
    "email",
    "phone",
    "given_name",
    "family_name",
    "locale",
    "time_zone",
    "birth_on",
    "accepts_marketing",
)
"""What a customer's description is made of; all values are text, `accepts_marketing` is "yes" or "no"."""


class Strength(IntEnum):
    """How well a key names a person, the best first; a merge keeps the customer of the best key."""

    PLATFORM = 0
    EMAIL = 1
    PHONE = 2
    ANONYMOUS = 3


class Key(NamedTuple):
    """A name by which a customer is found: a platform's id in one store, or a keyed hash within the merchant."""

    strength: Strength
    store_no: int
    value: str


class ConsentMark(NamedTuple):
    """The newest statement about one channel and topic; of two at one instant the withdrawal wins."""

    at_us: int
    withdrawal: bool
    state: str


class Parting(NamedTuple):
    """A merge that was undone: when, and who lived on with what was left."""

    at_us: int
    survivor_id: UUID


_NOTHING: Final[Description] = MappingProxyType({})
_NO_CONSENTS: Final[Mapping[str, ConsentMark]] = MappingProxyType({})
_NO_PARTINGS: Final[Mapping[str, Parting]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer of one merchant; `merged_into` is set when its life ended in another.

    `erased_at`: the person asked then to be forgotten, and what is left is a name without anybody. Who bought again
    later is somebody new: `former_id` was erased at `born_after`, and nothing said until then is about this customer.

    `own` is what a survivor said under names that were always theirs; None for who has absorbed nobody. Two who share
    a name of `apart` were parted by hand.
    """

    customer_id: UUID
    strength: Strength
    store_id: UUID
    registered_at: datetime
    identity_version: int = 1
    platform_stores: frozenset[int] = frozenset()
    description: Description = field(default_factory=lambda: _NOTHING)
    consents: Mapping[str, ConsentMark] = field(default_factory=lambda: _NO_CONSENTS)
    merged_into: UUID | None = None
    erased_at: datetime | None = None
    born_after: datetime | None = None
    former_id: UUID | None = None
    own: Description | None = None
    apart: Mapping[str, Parting] = field(default_factory=lambda: _NO_PARTINGS)

    @property
    def words(self) -> Description:
        """What the customer said themselves."""
        return self.description if self.own is None else self.own

    @property
    def is_newcomer(self) -> bool:
        """True before the customer was first told of."""
        return self.identity_version == 0

    @property
    def is_anonymous(self) -> bool:
        return self.strength is Strength.ANONYMOUS

    def told_values(self) -> dict[str, str]:
        """The description without its stamps, tags apart: what other services are told."""
        return {name: said.value for name, said in self.description.items() if not tags.is_of_tags(name)}

    @property
    def platform_tags(self) -> tuple[str, ...]:
        """The tags that shops' staff have given the customer."""
        return tags.held(self.description)

    def tells_as(self, other: "Customer") -> bool:
        """True if other services hear the same of both."""
        return self.told_values() == other.told_values() and self.platform_tags == other.platform_tags

    def may_become(self, other: "Customer") -> bool:
        """True unless they are known to be two people.

        One store's platform says so by calling them by different ids, an operator by undoing their merge.
        """
        return not (self.platform_stores & other.platform_stores or self.apart.keys() & other.apart.keys())

    def parted_from(self, other: "Customer") -> int | None:
        """When the two were last parted by hand, in microseconds; None if they never were."""
        return max((self.apart[name].at_us for name in self.apart.keys() & other.apart.keys()), default=None)


def erase(customer: Customer, at: datetime) -> Customer:
    """What is left of the customer: an id for the sums that stay."""
    return replace(
        customer,
        erased_at=at,
        description={},
        own=None,
        apart={},
        consents={},
        identity_version=max(customer.identity_version, 0) + 1,
    )


def describe(customer: Customer, said: Description) -> Customer:
    """The customer with each field at its newest statement."""
    described = newest(customer.description, said)
    return customer if described is customer.description else replace(customer, description=described)


def hear(customer: Customer, said: Description) -> Customer:
    """The customer with what they said themselves, not somebody who has become them."""
    described = describe(customer, said)
    own = None if described.own is None else newest(described.own, said)
    return described if own is described.own else replace(described, own=own)


def newest(known: Description, said: Description) -> Description:
    """Of each field the newest statement; `known` itself if nothing is new."""
    newer = {name: word for name, word in said.items() if name not in known or word > known[name]}
    if not newer:
        return known
    described = tags.without_bygones({**known, **newer})
    return known if described == known else described


def consent(customer: Customer, channel: str, mark: ConsentMark) -> tuple[Customer, bool]:
    """The customer with the newest mark of `channel`; False if it was no news."""
    known = customer.consents.get(channel)
    if known is not None and mark <= known:
        return customer, False
    return replace(customer, consents={**customer.consents, channel: mark}), True


def absorb(survivor: Customer, absorbed: Customer) -> Customer:
    """The survivor with all that the absorbed customer was."""
    joined = describe(survivor, absorbed.description)
    for channel, mark in absorbed.consents.items():
        joined, _ = consent(joined, channel, mark)
    return replace(
        joined,
        registered_at=min(survivor.registered_at, absorbed.registered_at),
        identity_version=max(survivor.identity_version, absorbed.identity_version) + 1,
        platform_stores=survivor.platform_stores | absorbed.platform_stores,
        own=survivor.words,
        apart=apart_of_both(survivor.apart, absorbed.apart),
    )


def apart_of_both(one: Mapping[str, Parting], other: Mapping[str, Parting]) -> Mapping[str, Parting]:
    """From whom somebody made of two is apart: a parting that both share is over. Its own inverse."""
    names = one.keys() ^ other.keys()
    return {name: parting for name, parting in sorted({**one, **other}.items()) if name in names}
