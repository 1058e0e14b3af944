"""All customers that one batch concerns: found by their keys, registered, described, merged when two keys meet.

Which customer survives a merge depends on the keys alone (the best key, then the smaller id), so deliveries may
come in any order. Two ids of one store's platform do not merge, since the platform says that they are two people:
the key that they share, or the order that changed hands, stays with the one who had it first. They do when the
platform says that they have become one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.order_ingest.domain.customer import Customer, Key, Strength, absorb, describe
from services.order_ingest.domain.statements import Description
from services.order_ingest.domain.storefront import Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Somebody was named by `keys` (the best first); an order's sighting also says whose order it was so far."""

    keys: tuple[Key, ...]
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
    touched: set[UUID] = field(default_factory=set)
    claimed: set[Key] = field(default_factory=set)

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
        """Whom the sighting is of, and the news about who is who."""
        one_person = _without_rivals(self._candidates(sighting, storefront))
        taken = frozenset[int]().union(*(c.platform_stores for c in one_person if not c.is_newcomer))
        return self._unite(one_person, sighting, taken=taken)

    def join(self, ids: Sequence[Key], at: datetime, storefront: Storefront) -> tuple[UUID, Sequence[PersonNews]]:
        """The customers of `ids` are one, because their platform has made one of them; who that is, and the news.

        An id that nobody had yet counts as seen: the survivor must be the same as if its customer had come before.
        """
        sighting = Sighting(keys=tuple(ids), said={}, at=at)
        named: dict[UUID, Customer] = {}
        for key in ids:
            if key in self.owners:
                self._add(named, self.owners[key])
            else:
                newcomer = self._newcomer(key, sighting, storefront)
                named[newcomer.customer_id] = newcomer
        return self._unite(list(named.values()), sighting, taken=frozenset())

    def _unite(
        self, one_person: Sequence[Customer], sighting: Sighting, *, taken: frozenset[int]
    ) -> tuple[UUID, Sequence[PersonNews]]:
        survivor = min(one_person, key=lambda c: (c.strength, c.customer_id))
        absorbed = [c for c in one_person if c is not survivor and c.customer_id in self.customers]
        joined = describe(survivor, sighting.said)
        for other in absorbed:
            joined = absorb(joined, other)
        joined = self._claim(_known_since(joined, sighting.at), sighting.keys, taken=taken)
        news = self._settle(self.customers.get(survivor.customer_id), joined)
        return joined.customer_id, [*news, *(self._bury(other, joined.customer_id) for other in absorbed)]

    def _candidates(self, sighting: Sighting, storefront: Storefront) -> list[Customer]:
        """Everybody whom the sighting may mean: the order's customer so far first, then by the strength of the key.

        Only the best key makes a newcomer: weaker ones that nobody owns will be claimed by whoever is chosen.
        """
        candidates: dict[UUID, Customer] = {}
        if sighting.known_as is not None:
            self._add(candidates, sighting.known_as)
        for place, key in enumerate(sighting.keys):
            if key in self.owners:
                self._add(candidates, self.owners[key])
            elif place == 0:
                newcomer = self._newcomer(key, sighting, storefront)
                candidates[newcomer.customer_id] = newcomer
        if not candidates:
            newcomer = self._newcomer(None, sighting, storefront)
            candidates[newcomer.customer_id] = newcomer
        return list(candidates.values())

    def _add(self, candidates: dict[UUID, Customer], customer_id: UUID) -> None:
        living = self.resolve(customer_id)
        candidates.setdefault(living, self.customers[living])

    def _newcomer(self, key: Key | None, sighting: Sighting, storefront: Storefront) -> Customer:
        strength = key.strength if key else Strength.ANONYMOUS
        return Customer(
            customer_id=self._id(key, sighting, storefront),
            strength=strength,
            store_id=storefront.store_id,
            registered_at=sighting.at,
            identity_version=0,
            platform_stores=frozenset({storefront.store_no} if strength is Strength.PLATFORM else ()),
        )

    def _id(self, key: Key | None, sighting: Sighting, storefront: Storefront) -> UUID:
        if key is None:
            return derived_id(storefront.store_id, "guest_of", sighting.order_external_id or "")
        if key.strength is Strength.PLATFORM:
            return derived_id(storefront.store_id, "customer", key.value)
        return derived_id(self.merchant_id, key.strength.name.lower(), key.value)

    def _claim(self, customer: Customer, keys: Sequence[Key], *, taken: frozenset[int]) -> Customer:
        """The customer, owning every free key but a rival's id, which waits for its own customer to be seen."""
        for key in keys:
            is_id = key.strength is Strength.PLATFORM
            if key in self.owners or (is_id and key.store_no in taken):
                continue
            if is_id:
                customer = replace(customer, platform_stores=customer.platform_stores | {key.store_no})
            self.owners[key] = customer.customer_id
            self.claimed.add(key)
        return customer

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
        buried = replace(
            absorbed, merged_into=into, identity_version=self.customers[into].identity_version, description={}
        )
        self.keep(buried)
        return Merged(buried, into)


def _known_since(customer: Customer, at: datetime) -> Customer:
    return replace(customer, registered_at=at) if at < customer.registered_at else customer


def _without_rivals(candidates: Sequence[Customer]) -> list[Customer]:
    """The candidates that may be one person: whoever clashes with an earlier one is left out."""
    chosen: list[Customer] = []
    for candidate in candidates:
        if all(candidate.may_become(other) for other in chosen):
            chosen.append(candidate)
    return chosen
