"""A merge undone: the absorbed customer lives again, with the names, words and orders that were always theirs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.order_ingest.domain.customer import Customer, Parting, Strength, apart_of_both, newest
from services.order_ingest.domain.people import People
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.statements import Description


@dataclass(frozen=True, slots=True)
class Unmerged:
    """Two customers who were one; `lives` are the ids under which what is the restored one's stands in the books."""

    restored: Customer
    survivor: Customer
    merge_id: UUID
    lives: frozenset[UUID]


def merge_id(absorbed_id: UUID, into: UUID | None, identity_version: int) -> UUID:
    """The name of the merge that ended a customer's life at that version."""
    return derived_id(absorbed_id, "merge", str(into), str(identity_version))


def part(people: People, customer_id: UUID, *, identity_version: int, at: datetime) -> Unmerged | None:
    """The merge of that version is undone; None if another word has come since, or the person was erased.

    All customers who ended in the survivor, and all keys of theirs, are loaded.
    """
    absorbed = people.customers.get(customer_id)
    if absorbed is None or absorbed.merged_into is None or absorbed.identity_version != identity_version:
        return None
    survivor = people.customers[people.resolve(customer_id)]
    if survivor.erased_at is not None:
        return None
    undone, lives = merge_id(customer_id, absorbed.merged_into, identity_version), lives_of(people, customer_id)
    version = max(absorbed.identity_version, survivor.identity_version) + 1
    _set_apart(people, customer_id, str(undone), Parting(microseconds(at), survivor.customer_id))
    _lead_back(people, customer_id, lives)
    for each in (customer_id, survivor.customer_id):
        former = replace(people.customers[each], identity_version=version)
        people.keep(replace(former, merged_into=None) if each == customer_id else former)
    for each in (customer_id, survivor.customer_id):
        people.keep(_by_themselves(people, people.customers[each]))
    restored, left = people.customers[customer_id], people.customers[survivor.customer_id]
    return Unmerged(restored, left, undone, lives)


def lives_of(people: People, customer_id: UUID) -> frozenset[UUID]:
    """The customer and everybody loaded whose life ended in theirs."""
    return frozenset(each for each in people.customers if customer_id in _path(people, each))


def _path(people: People, customer_id: UUID) -> list[UUID]:
    """The ids from this one to the living; a ring, never made here, ends the search."""
    path = [customer_id]
    while (into := people.customers[path[-1]].merged_into) is not None and into not in path:
        path.append(into)
    return path


def _set_apart(people: People, customer_id: UUID, name: str, parting: Parting) -> None:
    """Both bear the mark, and so does everybody through whom the one became the other: their merges may be undone."""
    restored, *survivors = [people.customers[each] for each in _path(people, customer_id)]
    mark = {name: parting}
    for each in survivors:  # their absorbed one's partings are theirs no more
        people.keep(replace(each, apart=apart_of_both(apart_of_both(each.apart, restored.apart), mark)))
    people.keep(replace(restored, apart=apart_of_both(restored.apart, mark)))


def _lead_back(people: People, customer_id: UUID, lives: frozenset[UUID]) -> None:
    for key, owner_id in list(people.owners.items()):
        origin_id = people.origins.get(key, owner_id)
        if origin_id in lives:
            people.owners[key] = customer_id
            if origin_id == customer_id:
                people.origins.pop(key, None)


def _by_themselves(people: People, customer: Customer) -> Customer:
    """The customer as those say who are one with them now."""
    lives = lives_of(people, customer.customer_id)
    said = _together(people.customers[each].words for each in sorted(lives))
    keys = (key for key, owner_id in people.owners.items() if people.resolve(owner_id) == customer.customer_id)
    return replace(
        customer,
        description=said,
        own=customer.words if len(lives) > 1 else None,
        platform_stores=frozenset(key.store_no for key in keys if key.strength is Strength.PLATFORM),
    )


def _together(descriptions: Iterable[Description]) -> Description:
    said: Description = {}
    for each in descriptions:
        said = newest(said, each)
    return said
