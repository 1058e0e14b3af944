"""The demo's figures, all of them, are those of an independent computation over the source data, to the last digit."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import pytest

from deploy.local.postgres import scratch_folder
from tests.e2e.demo_runs import Demo, Run
from tests.e2e.printed import Row
from tests.e2e.source_figures import Given, SourceFigures

SAMPLE: Final = 60
PROOF: Final = "Ledger proof"
TABLES: Final = (
    "Repurchase within 90 days",
    "Customers",
    "RFM groups",
    "Top customers",
    "Tiers",
    "Points",
    "Segments",
    "Messages",
)
FOLLOWS_THE_CLOCK: Final = ("I10", "I11")
"""Invariants that look at more of the ledger as time goes by: closed days, and orders paid some minutes ago."""


@dataclass(frozen=True, slots=True)
class Twice:
    """Two runs on the same data, and what the source data says."""

    first: Run
    second: Run
    given: Given
    source: SourceFigures


@pytest.fixture(
    scope="module", params=[pytest.param(SAMPLE, id="sample"), pytest.param(None, id="all", marks=pytest.mark.e2e)]
)
def demo(request: pytest.FixtureRequest) -> Iterator[Twice]:
    folder = scratch_folder()
    try:
        made = Demo(folder, households=request.param, timeout_seconds=240 if request.param else 1500)
        first = made.run()
        assert first.code == 0, first.output + first.errors
        second = made.run()
        source = SourceFigures(made.given())
        yield Twice(first, second, made.given(), source)
        source.close()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("title", TABLES)
def test_every_figure_is_that_of_the_source_data(demo: Twice, title: str) -> None:
    expected = demo.source.tables()[title]

    printed = demo.first.printed.tables[title]

    assert [row[: len(wanted)] for row, wanted in zip(printed, expected, strict=True)] == expected


def test_no_table_is_printed_that_is_not_compared(demo: Twice) -> None:
    assert list(demo.first.printed.tables) == [*TABLES, PROOF]
    assert list(demo.source.tables()) == [*TABLES]


def test_the_ledger_proof_finds_nothing_and_looks_at_everything(demo: Twice) -> None:
    rows = demo.first.printed.tables[PROOF]

    assert {row[0]: row[3] for row in rows} == {f"I{number}": "0" for number in range(1, 13)}
    assert _checked(rows).items() >= {name: f"{count:,}" for name, count in demo.source.checked().items()}.items()


def test_sentences_tell_the_counts_of_the_source_data(demo: Twice) -> None:
    missing = [said for said in demo.source.sentences() if said not in demo.first.printed.words]

    assert not missing, demo.first.output


def test_the_calendar_moves_by_as_many_weeks_as_leave_no_order_in_the_future(demo: Twice) -> None:
    assert demo.given.weeks == demo.source.latest_weeks()


def test_a_run_without_a_terminal_ends_well_and_leaves_nothing_running(demo: Twice) -> None:
    for run in (demo.first, demo.second):
        assert (run.code, run.errors, run.taken) == (0, "", [])


def test_a_second_run_changes_nothing_and_prints_the_same(demo: Twice) -> None:
    first, second = demo.first.printed.tables, demo.second.printed.tables

    assert {**second, PROOF: []} == {**first, PROOF: []}
    assert _checked(second[PROOF]) == _checked(first[PROOF])


def _checked(proof: list[Row]) -> Mapping[str, str]:
    return {row[0]: row[2] for row in proof if row[0] not in FOLLOWS_THE_CLOCK}
