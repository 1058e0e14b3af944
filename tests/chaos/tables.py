"""What a person reads of the runs."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.chaos.report import Measured, Report

Row = tuple[str, Report, float]
"""Transport, report, seconds that the run took."""


def table(reports: Sequence[Row]) -> Table:
    """One row per run."""
    made = Table(title="chaos: what was injected, absorbed and measured, and what is wrong in the end")
    for heading in ("bus", "run", "injected", "absorbed", "measured (allowed)"):
        made.add_column(heading)
    for heading in ("orders", "events", "lost", "twice", "order breaks", "violations", "drained", "took"):
        made.add_column(heading, justify="right")
    for bus, report, seconds in reports:
        made.add_row(
            bus,
            f"{report.name}: {report.outcome}",
            _counts(report.injected),
            _counts(report.absorbed),
            _figures(report.measured),
            *_verdict(report),
            f"{report.drained_seconds:.1f} s",
            f"{seconds:.0f} s",
        )
    return made


def _verdict(report: Report) -> list[str]:
    verdict = report.verdict
    if verdict is None:
        return ["-"] * 6
    wrong = (verdict.lost, verdict.duplicated, verdict.order_breaks, verdict.violations)
    return [str(verdict.orders), str(verdict.facts), *(str(len(found)) for found in wrong)]


def _counts(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in figures.items())


def _figures(measured: Mapping[str, Measured]) -> str:
    return ", ".join(f"{what} {m.value:.3g} ({m.allowed:.3g}) {m.unit}".rstrip() for what, m in measured.items())
