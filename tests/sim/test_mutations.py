"""The named mutations still fit the code; `make bites` runs them."""

from pathlib import Path

import pytest

from tests.sim.mutations import MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_text_to_break_is_there_exactly_once(mutation: Mutation) -> None:
    text = Path(ROOT, mutation.file).read_text()

    assert text.count(mutation.old) == 1
    assert mutation.old != mutation.new
