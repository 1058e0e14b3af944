"""Refunds of one order, merged by maximum: seeing one twice, in parts or out of order ends in the same figures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Final

from services.order_ingest.domain.changes import Refund, RefundLine


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """One refund as all sightings together tell it; `told`: the other services know these very figures."""

    refund: Refund
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cumulative:
    """All refunds of an order up to one of them."""

    lines: tuple[RefundLine, ...]
    shipping_minor: int
    amount_minor: int


SUMMARY: Final = "export"
"""The reserved id of a refund that stands for all of its order's: exports tell their sum and no more."""

Refunds = Mapping[str, RefundState]
NO_REFUNDS: Final[Refunds] = MappingProxyType({})


def merge(known: Refunds, seen: Iterable[Refund]) -> Refunds:
    """`known` with every figure raised to what was seen; the same object if nothing is new.

    A refund arrives with its order's next version and by itself, and its transaction may succeed only later:
    figures grow and never shrink, so the maximum is right whatever came first. Only a summary gives way: once a
    refund is known by itself, the sum that it is part of counts for nothing.
    """
    merged = dict(known)
    for sighting in seen:
        # One sighting may hold a line twice (restocked in two places): summed here, before any maximum.
        refund = replace(sighting, lines=_sum_lines(sighting.lines))
        before = merged.get(refund.external_id)
        after = refund if before is None else _maximum(before.refund, refund)
        if before is None or after != before.refund:
            merged[refund.external_id] = RefundState(refund=after)
    if SUMMARY in merged and len(merged) > 1:
        merged[SUMMARY] = _given_way(known.get(SUMMARY), merged[SUMMARY].refund)
    return merged if any(merged[key] is not known.get(key) for key in merged) else known


def _given_way(known: RefundState | None, summary: Refund) -> RefundState:
    """The summary without figures; the others hear of that if they had heard of the figures."""
    emptied = replace(summary, lines=(), shipping_minor=0, amount_minor=0)
    if known is not None and known.refund == emptied:
        return known
    return RefundState(refund=emptied, told=not (known and known.told and known.refund.amount_minor))


def wordless(refunds: Refunds) -> Refunds:
    """The same figures without what somebody wrote about them; the same object if nobody wrote anything."""
    if all(state.refund.reason is None for state in refunds.values()):
        return refunds
    return {key: replace(state, refund=replace(state.refund, reason=None)) for key, state in refunds.items()}


def untold(refunds: Refunds) -> tuple[Refund, ...]:
    """What the other services have not heard, in the order in which it happened."""
    return tuple(sorted((state.refund for state in refunds.values() if not state.told), key=_when))


def all_told(refunds: Refunds) -> Refunds:
    return {key: replace(state, told=True) if not state.told else state for key, state in refunds.items()}


def cumulative(refunds: Refunds, last: Refund) -> Cumulative:
    """The sums over what was told before and everything up to `last`."""
    counted = [s.refund for s in refunds.values() if s.told or _when(s.refund) <= _when(last)]
    return Cumulative(
        lines=_sum_lines(chain.from_iterable(refund.lines for refund in counted)),
        shipping_minor=sum(refund.shipping_minor for refund in counted),
        amount_minor=sum(refund.amount_minor for refund in counted),
    )


def amount_minor(refunds: Refunds) -> int:
    """The money that went back in all."""
    return sum(state.refund.amount_minor for state in refunds.values())


def _when(refund: Refund) -> tuple[datetime, str]:
    return refund.at, refund.external_id


def _maximum(one: Refund, other: Refund) -> Refund:
    return Refund(
        external_id=one.external_id,
        at=min(one.at, other.at),
        lines=_largest_lines(chain(one.lines, other.lines)),
        shipping_minor=max(one.shipping_minor, other.shipping_minor),
        amount_minor=max(one.amount_minor, other.amount_minor),
        reason=max(one.reason or "", other.reason or "") or None,
    )


def _largest_lines(lines: Iterable[RefundLine]) -> tuple[RefundLine, ...]:
    largest: dict[str, RefundLine] = {}
    for line in lines:
        known = largest.get(line.line_id, line)
        largest[line.line_id] = RefundLine(
            line.line_id,
            max(known.quantity, line.quantity),
            max(known.amount_minor, line.amount_minor),
            max(known.tax_minor, line.tax_minor),
        )
    return tuple(sorted(largest.values()))


def _sum_lines(lines: Iterable[RefundLine]) -> tuple[RefundLine, ...]:
    sums: dict[str, RefundLine] = {}
    for line in lines:
        known = sums.get(line.line_id, RefundLine(line.line_id, 0, 0, 0))
        sums[line.line_id] = RefundLine(
            line.line_id,
            known.quantity + line.quantity,
            known.amount_minor + line.amount_minor,
            known.tax_minor + line.tax_minor,
        )
    return tuple(sorted(sums.values()))
