"""Fulfilments and returns of one order, merged so that seeing one twice, in parts or out of order ends the same."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Final

from services.order_ingest.domain.changes import LineQuantity, Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementState:
    """One movement as all sightings together tell it, and which of its steps the other services know."""

    movement: Movement
    began_told: bool = False
    ended_told: bool = False


Movements = Mapping[str, MovementState]
NO_MOVEMENTS: Final[Movements] = MappingProxyType({})


def merge(known: Movements, seen: Iterable[Movement]) -> Movements:
    """`known` with what was seen added; the same object if nothing is new.

    Steps are the earliest ever stated and never taken back: a fulfilment that is cancelled later was shipped all the
    same. Quantities grow by maximum, and a movement whose quantities grew is told to have begun once more.
    """
    merged = dict(known)
    for sighting in seen:
        movement = replace(sighting, lines=_sum(sighting.lines))
        before = merged.get(movement.external_id)
        if before is None:
            merged[movement.external_id] = MovementState(movement=movement)
            continue
        after = _both(before.movement, movement)
        if after != before.movement:
            began_told = before.began_told and after.lines == before.movement.lines
            merged[movement.external_id] = replace(before, movement=after, began_told=began_told)
    return merged if any(merged[key] is not known.get(key) for key in merged) else known


def wordless(movements: Movements) -> Movements:
    """The same movements without what somebody wrote about them; the same object if nobody wrote anything."""
    if all(state.movement.reason is None for state in movements.values()):
        return movements
    return {key: replace(state, movement=replace(state.movement, reason=None)) for key, state in movements.items()}


def begun(movements: Movements) -> tuple[Movement, ...]:
    """Those whose beginning the others have not heard of, in the order in which it happened."""
    untold = [state.movement for state in movements.values() if state.movement.began_at and not state.began_told]
    return tuple(sorted(untold, key=lambda movement: (movement.began_at, movement.external_id)))


def ended(movements: Movements) -> tuple[Movement, ...]:
    """Those whose end the others have not heard of, in the order in which it happened."""
    untold = [state.movement for state in movements.values() if state.movement.ended_at and not state.ended_told]
    return tuple(sorted(untold, key=lambda movement: (movement.ended_at, movement.external_id)))


def all_told(movements: Movements) -> Movements:
    """As they are once the news was told; the same object if there was none."""
    if not begun(movements) and not ended(movements):
        return movements
    return {
        key: replace(
            state,
            began_told=state.movement.began_at is not None,
            ended_told=state.movement.ended_at is not None,
        )
        for key, state in movements.items()
    }


def _both(one: Movement, other: Movement) -> Movement:
    return Movement(
        external_id=one.external_id,
        began_at=_earliest(one.began_at, other.began_at),
        ended_at=_earliest(one.ended_at, other.ended_at),
        lines=_largest(chain(one.lines, other.lines)),
        reason=max(one.reason or "", other.reason or "") or None,
        outcome=max(one.outcome or "", other.outcome or "") or None,
    )


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((at for at in (one, other) if at is not None), default=None)


def _largest(lines: Iterable[LineQuantity]) -> tuple[LineQuantity, ...]:
    largest: dict[str, int] = {}
    for line in lines:
        largest[line.line_id] = max(line.quantity, largest.get(line.line_id, 0))
    return tuple(sorted(LineQuantity(line_id, quantity) for line_id, quantity in largest.items()))


def _sum(lines: Iterable[LineQuantity]) -> tuple[LineQuantity, ...]:
    # A line may stand twice in one sighting (two serial numbers, two reasons): summed before any maximum.
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.line_id] = line.quantity + sums.get(line.line_id, 0)
    return tuple(sorted(LineQuantity(line_id, quantity) for line_id, quantity in sums.items()))
