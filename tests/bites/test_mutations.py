"""What the mutations break, and what must notice, is where they say: the code moves on, and they run seldom."""

import pytest

from tests.bites.__main__ import ROOT
from tests.bites.mutations import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: str(mutation.name))
def test_a_mutation_meets_its_text_once_and_names_a_test(mutation: Mutation) -> None:
    for edit in mutation.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1, edit.file

    file, _, test = mutation.test.partition("::")
    assert not test or f"def {test}(" in (ROOT / file).read_text()
    assert (ROOT / file).exists()
