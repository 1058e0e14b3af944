"""All customers that one batch concerns: found by their keys, registered, described, merged when two keys meet.

Which customer survives a merge depends on the keys alone (the best key, then the smaller id), so deliveries may
come in any order. Two ids of one store's platform do not merge, since the platform says that they are two people:
the key that they share, or the order that changed hands, stays with the one who had it first. They do when the
platform says that they have become one. So it is with two who were parted by hand: only what the platform says of
them later makes them one again.

Who was erased is remembered by keyed hashes alone. What names them and is no newer purchase concerns nobody: it is
kept under the id that is left, and nothing is said of a person. A purchase after the erasure is the first sight of
somebody new, who takes those keys over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.order_ingest.domain.customer import Customer, Key, Strength, absorb, describe, hear
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.statements import Description
from services.order_ingest.domain.storefront import Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Somebody was named by `keys` (the best first); an order's sighting also says whose order it was so far.

    `hashed` has the form in which a platform's id is remembered once its person was erased.
    """

    keys: tuple[Key, ...]
    hashed: Mapping[Key, Key] = field(default_factory=dict)
    said: Description
    at: datetime
    order_external_id: str | None = None
    known_as: UUID | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    customer: Customer


@dataclass(frozen=True, slots=True)
class Updated:
    customer: Customer


@dataclass(frozen=True, slots=True)
class Merged:
    absorbed: Customer
    into: UUID


PersonNews: TypeAlias = Registered | Updated | Merged


@dataclass(slots=True)
class People:
    """One merchant's customers, as far as a batch needs them; remembers what has to be stored."""

    merchant_id: UUID
    customers: dict[UUID, Customer] = field(default_factory=dict)
    owners: dict[Key, UUID] = field(default_factory=dict)
    origins: dict[Key, UUID] = field(default_factory=dict)
    """Whom a key led to before their life ended in its owner's."""
    touched: set[UUID] = field(default_factory=set)
    claimed: set[Key] = field(default_factory=set)
    released: set[Key] = field(default_factory=set)
    """Keys that lead to nobody any more."""

    def resolve(self, customer_id: UUID) -> UUID:
        """The living customer behind an id, however often it was merged; a ring, never made here, ends the search."""
        visited = set()
        while customer_id not in visited:
            visited.add(customer_id)
            customer = self.customers.get(customer_id)
            if customer is None or customer.merged_into is None:
                break
            customer_id = customer.merged_into
        return customer_id

    def keep(self, customer: Customer) -> None:
        """The customer is as given, here and in what will be stored."""
        self.customers[customer.customer_id] = customer
        self.touched.add(customer.customer_id)

    def meet(self, sighting: Sighting, storefront: Storefront) -> tuple[UUID, Sequence[PersonNews]]:
        """Whom the sighting is of, and the news about who is who; of somebody erased there is none."""
        gone = self._gone(sighting)
        if gone is not None:
            return gone, []
        one_person = without_rivals(self._candidates(sighting, storefront))
        taken = frozenset[int]().union(*(c.platform_stores for c in one_person if not c.is_newcomer))
        return self._unite(one_person, sighting, taken=taken)

    def owner(self, key: Key, hashed: Mapping[Key, Key]) -> Customer | None:
        """Who is known by the key, erased or not; None if it leads to nobody."""
        found = self.owners.get(key) or self.owners.get(hashed.get(key, key))
        return self.customers[self.resolve(found)] if found else None

    def join(
        self, ids: Sequence[Key], at: datetime, storefront: Storefront, *, hashed: Mapping[Key, Key]
    ) -> tuple[UUID, Sequence[PersonNews]]:
        """The customers of `ids` are one, because their platform has made one of them; who that is, and the news.

        An id that nobody had yet counts as seen: the survivor must be the same as if its customer had come before. Who
        was erased joins nobody.
        """
        sighting = Sighting(keys=tuple(ids), hashed=hashed, said={}, at=at)
        named: dict[UUID, Customer] = {}
        for key in ids:
            owner = self.owner(key, sighting.hashed)
            if owner is None:
                newcomer = self.newcomer(key, sighting, storefront)
                named[newcomer.customer_id] = newcomer
            elif owner.erased_at is None:
                named.setdefault(owner.customer_id, owner)
        if not named and (erased := self.owner(ids[0], hashed)):
            return erased.customer_id, []
        one_person = list(named.values())
        if any((one_person[0].parted_from(each) or 0) >= microseconds(at) for each in one_person[1:]):
            return one_person[0].customer_id, []  # told once more, or late: a merge that was undone since
        return self._unite(one_person, sighting, taken=frozenset())

    def speaker(self, keys: Sequence[Key]) -> UUID | None:
        """Who is named by the best of the keys, whoever they have become since; None if nobody was yet."""
        return (self.origins.get(keys[0]) or self.owners.get(keys[0])) if keys else None

    def _unite(
        self, one_person: Sequence[Customer], sighting: Sighting, *, taken: frozenset[int]
    ) -> tuple[UUID, Sequence[PersonNews]]:
        survivor = min(one_person, key=lambda c: (c.strength, c.customer_id))
        absorbed = [c for c in one_person if c is not survivor and c.customer_id in self.customers]
        joined = survivor
        for other in absorbed:
            joined = absorb(joined, other)
        speaker_id = self._speaker_among(one_person, sighting) or survivor.customer_id
        joined = self._hear(joined, speaker_id, sighting)
        joined = self._claim(_known_since(joined, sighting.at), sighting, speaker_id, taken=taken)
        news = self._settle(self.customers.get(survivor.customer_id), joined)
        buried = [self._bury(self.customers[other.customer_id], joined.customer_id) for other in absorbed]
        return joined.customer_id, [*news, *buried]

    def _speaker_among(self, one_person: Sequence[Customer], sighting: Sighting) -> UUID | None:
        speaker_id = self.speaker(sighting.keys)
        if speaker_id is None or self.resolve(speaker_id) not in {each.customer_id for each in one_person}:
            return None
        return speaker_id

    def _hear(self, joined: Customer, speaker_id: UUID, sighting: Sighting) -> Customer:
        """What was said counts for the living; an ended life keeps its own words, in case it is restored."""
        if speaker_id == joined.customer_id:
            return hear(joined, sighting.said)
        spoken = hear(self.customers[speaker_id], sighting.said)
        if spoken is not self.customers[speaker_id]:
            self.keep(spoken)
        return describe(joined, sighting.said)

    def _gone(self, sighting: Sighting) -> UUID | None:
        """The erased customer whom the sighting is of; None if it is of somebody living, or of somebody new."""
        if sighting.known_as is not None:
            known = self.customers[self.resolve(sighting.known_as)]
            return known.customer_id if known.erased_at else None
        for key in sighting.keys:
            owner = self.owner(key, sighting.hashed)
            if owner is None or (owner.erased_at and self._is_later_purchase(sighting, owner.erased_at)):
                continue
            if owner.erased_at:
                return owner.customer_id
            is_former = owner.born_after is not None and sighting.at <= owner.born_after
            return owner.former_id if is_former else None
        return None

    @staticmethod
    def _is_later_purchase(sighting: Sighting, erased_at: datetime) -> bool:
        return sighting.order_external_id is not None and sighting.at > erased_at

    def _candidates(self, sighting: Sighting, storefront: Storefront) -> list[Customer]:
        """Everybody whom the sighting may mean: the order's customer so far first, then by the strength of the key.

        Only the best key makes a newcomer: weaker ones that nobody owns will be claimed by whoever is chosen.
        """
        candidates: dict[UUID, Customer] = {}
        if sighting.known_as is not None:
            self._add(candidates, sighting.known_as)
        for place, key in enumerate(sighting.keys):
            owner = self.owner(key, sighting.hashed)
            if owner is not None and owner.erased_at is None:
                candidates.setdefault(owner.customer_id, owner)
            elif place == 0:
                newcomer = self.newcomer(key, sighting, storefront)
                candidates[newcomer.customer_id] = newcomer
        if not candidates:
            newcomer = self.newcomer(None, sighting, storefront)
            candidates[newcomer.customer_id] = newcomer
        return list(candidates.values())

    def _add(self, candidates: dict[UUID, Customer], customer_id: UUID) -> None:
        living = self.resolve(customer_id)
        candidates.setdefault(living, self.customers[living])

    def newcomer(self, key: Key | None, sighting: Sighting, storefront: Storefront) -> Customer:
        """Somebody seen for the first time by that key, or without any; not kept yet."""
        strength = key.strength if key else Strength.ANONYMOUS
        former = self._former(sighting)
        return Customer(
            customer_id=former[2] if former else self._id(key, sighting, storefront),
            strength=strength,
            store_id=storefront.store_id,
            registered_at=sighting.at,
            identity_version=0,
            platform_stores=frozenset({storefront.store_no} if strength is Strength.PLATFORM else ()),
            former_id=former[0] if former else None,
            born_after=former[1] if former else None,
        )

    def _former(self, sighting: Sighting) -> tuple[UUID, datetime, UUID] | None:
        """Who was erased and bought again, when they were erased, and the id of their next life; else None."""
        for key in sighting.keys:
            owner = self.owner(key, sighting.hashed)
            if owner and owner.erased_at and self._is_later_purchase(sighting, owner.erased_at):
                again = derived_id(owner.customer_id, "again", str(microseconds(owner.erased_at)))
                return owner.customer_id, owner.erased_at, again
        return None

    def _id(self, key: Key | None, sighting: Sighting, storefront: Storefront) -> UUID:
        if key is None:
            return derived_id(storefront.store_id, "guest_of", sighting.order_external_id or "")
        if key.strength is Strength.PLATFORM:
            return derived_id(storefront.store_id, "customer", key.value)
        return derived_id(self.merchant_id, key.strength.name.lower(), key.value)

    def _claim(self, customer: Customer, sighting: Sighting, speaker_id: UUID, *, taken: frozenset[int]) -> Customer:
        """The customer, owning every free key but a rival's id, which waits for its own customer to be seen."""
        for key in sighting.keys:
            is_id = key.strength is Strength.PLATFORM
            if self._is_owned(key, sighting) or (is_id and key.store_no in taken):
                continue
            if is_id:
                customer = replace(customer, platform_stores=customer.platform_stores | {key.store_no})
            self.claim(key, customer.customer_id)
            if speaker_id != customer.customer_id:
                self.origins[key] = speaker_id
        return customer

    def claim(self, key: Key, customer_id: UUID) -> None:
        """The key leads to the customer from now on."""
        self.owners[key] = customer_id
        self.origins.pop(key, None)
        self.claimed.add(key)
        self.released.discard(key)

    def release(self, key: Key) -> None:
        """The key leads to nobody any more."""
        self.owners.pop(key, None)
        self.origins.pop(key, None)
        self.claimed.discard(key)
        self.released.add(key)

    def _is_owned(self, key: Key, sighting: Sighting) -> bool:
        owner = self.owner(key, sighting.hashed)
        return owner is not None and not (owner.erased_at and self._is_later_purchase(sighting, owner.erased_at))

    def _settle(self, before: Customer | None, after: Customer) -> list[PersonNews]:
        if before is None:
            newcomer = replace(after, identity_version=max(after.identity_version, 1))
            self.keep(newcomer)
            return [Registered(newcomer)]
        if after is before:
            return []
        if after.tells_as(before):
            self.keep(after)
            return []
        updated = replace(after, identity_version=max(after.identity_version, before.identity_version + 1))
        self.keep(updated)
        return [Updated(updated)]

    def _bury(self, absorbed: Customer, into: UUID) -> Merged:
        buried = replace(absorbed, merged_into=into, identity_version=self.customers[into].identity_version)
        self.keep(buried)
        return Merged(buried, into)


def _known_since(customer: Customer, at: datetime) -> Customer:
    return replace(customer, registered_at=at) if at < customer.registered_at else customer


def without_rivals(candidates: Sequence[Customer]) -> list[Customer]:
    """The candidates that may be one person: whoever clashes with an earlier one is left out."""
    chosen: list[Customer] = []
    for candidate in candidates:
        if all(candidate.may_become(other) for other in chosen):
            chosen.append(candidate)
    return chosen
