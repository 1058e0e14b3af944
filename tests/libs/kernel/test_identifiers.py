"""Derived ids are stable and do not run into each other."""

from uuid import UUID

from libs.kernel.identifiers import derived_id

STORE = UUID("0198c0de-0000-7000-8000-000000000001")


def test_id_is_the_same_for_ever() -> None:
    assert derived_id(STORE, "order", "5301") == UUID("c0cf9fa4-5824-5d00-8988-a1c11525845d")


def test_parts_do_not_run_into_each_other() -> None:
    assert derived_id(STORE, "a", "bc") != derived_id(STORE, "ab", "c")
