"""What fails a run, and what is only told."""

import pytest

from tests.chaos.report import Measured, Report

_TOO_SLOW = Measured(2.0, 1.0)


def _report(**changed: object) -> Report:
    fields: dict[str, object] = {"injected": {"kills": 1}, "absorbed": {"kills": 1}, "verdict": None, **changed}
    return Report("R", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"injected": {"kills": 0}},
        {"absorbed": {"kills": 0}},
        {"failures": ["an order was lost"]},
        {"measured": {"drained": _TOO_SLOW}},
        {"measured": {"drained": Measured(float("nan"), 1.0)}},
        {"measured": {"deaths": Measured(6, 5, "")}, "judges_times": False},
    ],
)
def test_a_run_fails(changed: dict[str, object]) -> None:
    report = _report(**changed)
    assert (report.outcome, report.missed) == ("FAILED", [])


@pytest.mark.parametrize(
    "changed",
    [
        {"measured": {"p50": Measured(2.0, 1.0, is_speed=True)}},
        {"measured": {"drained": _TOO_SLOW}, "judges_times": False},
    ],
)
def test_a_time_is_missed_and_told(changed: dict[str, object]) -> None:
    report = _report(**changed)
    assert (report.outcome, len(report.missed)) == ("passed", 1)


def test_nothing_is_missed_at_the_bound() -> None:
    report = _report(measured={"drained": Measured(1.0, 1.0), "p50": Measured(1.0, 1.0, is_speed=True)})
    assert (report.outcome, report.missed) == ("passed", [])
