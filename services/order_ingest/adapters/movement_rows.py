"""Fulfilments and returns as the compact JSON of their columns in `customer_order`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.order_ingest.domain.changes import LineQuantity, Movement
from services.order_ingest.domain.movements import NO_MOVEMENTS, Movements, MovementState
from services.order_ingest.domain.reading import microseconds, moment


def movements_text(known: Movements) -> str | None:
    """The column's text; None for none."""
    if not known:
        return None
    return json.dumps({key: _values(state) for key, state in sorted(known.items())}, separators=(",", ":"))


def movements_of(text: str | None) -> Movements:
    """The movements in the column."""
    if text is None:
        return NO_MOVEMENTS
    return {key: _state(key, values) for key, values in json.loads(text).items()}


def _values(state: MovementState) -> list[Any]:
    movement = state.movement
    times = [_microseconds(movement.began_at), _microseconds(movement.ended_at)]
    return [*times, movement.lines, movement.reason, movement.outcome, state.began_told, state.ended_told]


def _state(key: str, values: Sequence[Any]) -> MovementState:
    began_us, ended_us, lines, reason, outcome, began_told, ended_told = values
    movement = Movement(
        external_id=key,
        began_at=_moment(began_us),
        ended_at=_moment(ended_us),
        lines=tuple(LineQuantity(*line) for line in lines),
        reason=reason,
        outcome=outcome,
    )
    return MovementState(movement=movement, began_told=began_told, ended_told=ended_told)


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _moment(at_us: int | None) -> datetime | None:
    return None if at_us is None else moment(at_us)
