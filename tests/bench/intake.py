"""P1-P3: durable intake of webhooks beside validation alone, and beside the endpoint that the tutorials show."""

from collections.abc import Sequence
from statistics import median

from tests.bench.figures import Result, Row, Sample, Target, rates, ratios
from tests.bench.profiles import profiled
from tests.bench.stand import Stand, stand
from tests.bench.terms import Terms

BROKEN_PEER = 0.025
"""An ORM endpoint slower than this share of validation alone is not the tutorial's but a mistake of ours."""


async def intake(terms: Terms) -> Result:
    """Webhooks of 10 KB over 64 connections, all three servers in turn, then each at half of our saturation."""
    seconds = 1.5 if terms.is_short else 4.0
    async with stand() as found:
        ours, validating, orm = await _saturated(found, terms, seconds)
        terms.rates["P1"] = median(rates(ours))
        terms.rates["validate-only"] = median(rates(validating))
        paced = await _paced(found, terms, seconds, per_second=terms.rates["P1"] / 2)
        result = Result(broken=_broken(orm, validating))
        if not terms.is_short:
            async with profiled(found.intake.pid, terms.svg("intake"), result):
                await found.intake.saturated(seconds)
    result.rows = [*_saturation_rows(ours, validating, orm), *_paced_rows(*paced, terms.rates["P1"] / 2)]
    return result


async def _saturated(
    found: Stand, terms: Terms, seconds: float
) -> tuple[Sequence[Sample], Sequence[Sample], Sequence[Sample]]:
    contestants = (found.intake, found.validate_only, found.orm)
    for each in contestants:
        await each.saturated(0.5)  # connected, compiled, warm
    taken = [[await each.saturated(seconds) for each in contestants] for _ in range(terms.repeats)]
    ours, validating, orm = zip(*taken, strict=True)
    return ours, validating, orm


async def _paced(
    found: Stand, terms: Terms, seconds: float, *, per_second: float
) -> tuple[Sequence[Sample], Sequence[Sample]]:
    contestants = (found.intake, found.validate_only)
    taken = [[await each.paced(seconds, per_second) for each in contestants] for _ in range(terms.repeats)]
    ours, validating = zip(*taken, strict=True)
    return ours, validating


def _broken(orm: Sequence[Sample], validating: Sequence[Sample]) -> list[str]:
    share = median(ratios(orm, validating))
    return [f"P2's peer: {share:.3f} of validate-only"] if share < BROKEN_PEER else []


def _saturation_rows(ours: Sequence[Sample], validating: Sequence[Sample], orm: Sequence[Sample]) -> list[Row]:
    share = median(ratios(orm, validating))
    cpu = [our.process_us / their.process_us for our, their in zip(ours, validating, strict=True)]  # type: ignore[operator]
    return [
        Row(
            id="P1",
            what="durable intake / validate-only",
            values=ratios(ours, validating),
            unit="x",
            target=Target(at_least=1.0, no_repeat_below=0.8),
            samples=ours,
        ),
        Row(id="P1", what="its process CPU / validate-only's", values=cpu, unit="x", target=Target(at_most=1.0)),
        Row(id="P1", what="durable intake", values=rates(ours), unit="/s", absolute=True, samples=ours),
        Row(id="P1", what="validate-only", values=rates(validating), unit="/s", absolute=True, samples=validating),
        Row(
            id="P2",
            what="durable intake / FastAPI + ORM endpoint (its CPU)",
            values=ratios(ours, orm),
            unit="x",
            target=Target(at_least=18),
            samples=orm,
            note=f"the ORM endpoint reaches {share:.3f} of validate-only (floor {BROKEN_PEER})",
        ),
    ]


def _paced_rows(ours: Sequence[Sample], validating: Sequence[Sample], per_second: float) -> list[Row]:
    tails = [sample.p99_ms or 0.0 for sample in ours]
    theirs = [sample.p99_ms or 0.0 for sample in validating]
    return [
        Row(
            id="P3",
            what=f"p99 at {per_second:,.0f}/s (half of saturation) / validate-only's",
            values=[our / their for our, their in zip(tails, theirs, strict=True)],
            unit="x",
            target=Target(at_most=4),
            samples=validating,
        ),
        Row(
            id="P3",
            what="p99 from the scheduled instant",
            values=tails,
            unit="ms",
            target=Target(at_most=35),
            absolute=True,
            samples=ours,
        ),
    ]
