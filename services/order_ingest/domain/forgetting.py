"""People who asked to be forgotten: what is left of them, and by what they are still known so as not to come back.

A platform's id stands in the books in clear for as long as its person lives, and as a keyed hash afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.order_ingest.domain.customer import Customer, Key, Strength, erase
from services.order_ingest.domain.people import People, Sighting, without_rivals
from services.order_ingest.domain.storefront import Storefront


@dataclass(frozen=True, slots=True)
class Erased:
    """One customer before and after, and all keys by which they are remembered."""

    before: Customer
    after: Customer
    keys: tuple[Key, ...]


def named_by(people: People, asked: Sighting, customer_id: UUID | None) -> list[Customer]:
    """The living customers whom a request means: whoever came back after it was made is not one of them."""
    return without_rivals([each for each in _all_named(people, asked, customer_id) if each.erased_at is None])


def _all_named(people: People, asked: Sighting, customer_id: UUID | None) -> list[Customer]:
    found: dict[UUID, Customer] = {}
    if customer_id is not None and (known := people.customers.get(people.resolve(customer_id))):
        found[known.customer_id] = known
    for key in asked.keys:
        owner = people.owner(key, asked.hashed)
        if owner is not None and not (owner.born_after is not None and asked.at <= owner.born_after):
            found.setdefault(owner.customer_id, owner)
    return list(found.values())


def forget(
    people: People,
    asked: Sighting,
    storefront: Storefront,
    *,
    customer_id: UUID | None,
    hashed: Callable[[Key], Key],
) -> Sequence[Erased]:
    """Whoever the request means is erased; who was already, is named again.

    Of somebody unknown a trace is laid, so that they need not be known first. The keys of the request lead to who was
    erased, whatever else of theirs comes later; those of others stay with their owners.
    """
    meant = named_by(people, asked, customer_id)
    gone = [each for each in _all_named(people, asked, customer_id) if each.erased_at is not None]
    if asked.keys and not any(people.owner(key, asked.hashed) for key in asked.keys) and not meant:
        meant = [people.newcomer(asked.keys[0], asked, storefront)]
    erased = [(customer, _erase(people, customer, asked, hashed)) for customer in meant]
    erased += [(customer, customer) for customer in gone]
    for key in asked.keys:
        if erased and people.owner(key, asked.hashed) is None:
            people.claim(hashed(key) if key.strength is Strength.PLATFORM else key, erased[0][1].customer_id)
    return [Erased(before, after, _keys_of(people, after)) for before, after in erased]


def _keys_of(people: People, customer: Customer) -> tuple[Key, ...]:
    mine = (key for key, owner_id in people.owners.items() if people.resolve(owner_id) == customer.customer_id)
    return tuple(sorted(mine))


def _erase(people: People, customer: Customer, asked: Sighting, hashed: Callable[[Key], Key]) -> Customer:
    gone = erase(customer, asked.at)
    people.keep(gone)
    for life in list(people.customers.values()):
        if life.merged_into is not None and people.resolve(life.customer_id) == gone.customer_id:
            people.keep(replace(life, description={}, own=None, apart={}, consents={}))
    for key in _keys_of(people, gone):
        if key.strength is Strength.PLATFORM:
            people.release(key)
            people.claim(hashed(key), gone.customer_id)
    return gone
