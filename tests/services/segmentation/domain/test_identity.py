"""Aliases lead to one living customer, whatever order the merges are heard in."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.segmentation.domain.identity import merge, resolved
from services.segmentation.domain.profile import Customer

PEOPLE = [UUID(int=n) for n in range(1, 6)]
arrows = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.integers(1, 9)), max_size=12)


def everybody() -> dict[UUID, Customer]:
    return {person: Customer(customer_id=person) for person in PEOPLE}


@given(arrows)
def test_every_id_leads_to_a_customer_that_nobody_absorbed(merges: list[tuple[UUID, UUID, int]]) -> None:
    customers = everybody()
    for absorbed, into, version in merges:
        customers.update(merge(absorbed, into, version, customers))

    assert all(customers[resolved(person, customers)].merged_into is None for person in PEOPLE)


def test_the_newer_of_two_merges_of_one_customer_wins() -> None:
    a, b, c, *_ = PEOPLE
    customers = everybody()
    customers.update(merge(a, b, 5, customers))
    customers.update(merge(a, c, 4, customers))
    assert resolved(a, customers) == b

    customers.update(merge(a, c, 6, customers))
    assert resolved(a, customers) == c


def test_a_newer_merge_the_other_way_round_revives_the_survivor() -> None:
    a, b, *_ = PEOPLE
    customers = everybody()
    customers.update(merge(a, b, 5, customers))
    assert merge(b, a, 4, customers) == {}

    customers.update(merge(b, a, 6, customers))
    assert resolved(a, customers) == resolved(b, customers) == a


def test_a_ring_in_the_rows_does_not_hang_the_reader() -> None:
    a, b, *_ = PEOPLE
    ring = {a: Customer(customer_id=a, merged_into=b), b: Customer(customer_id=b, merged_into=a)}

    assert resolved(a, ring) in (a, b)
