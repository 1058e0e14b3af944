"""Derived ids are stable and do not run into each other."""

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from libs.kernel.identifiers import derived_id

STORE = UUID("0198c0de-0000-7000-8000-000000000001")


def test_id_is_the_same_for_ever() -> None:
    assert derived_id(STORE, "order", "5301") == UUID("c0cf9fa4-5824-5d00-8988-a1c11525845d")


def test_parts_do_not_run_into_each_other() -> None:
    assert derived_id(STORE, "a", "bc") != derived_id(STORE, "ab", "c")


@given(st.uuids(), st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_it_is_a_uuid_of_version_5(namespace: UUID, parts: list[str]) -> None:
    assert derived_id(namespace, *parts) == uuid5(namespace, "\x1f".join(parts))
