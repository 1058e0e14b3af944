"""The runs by name, and which of them make up each form on each transport."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from tests.chaos.arena import Arena
from tests.chaos.clocks import r22
from tests.chaos.clusters import r2
from tests.chaos.crashing import r3, r5, r11
from tests.chaos.cutting import r7
from tests.chaos.filling import r12
from tests.chaos.killing import r1, r4, r8
from tests.chaos.loading import r17, r18
from tests.chaos.moving import r6
from tests.chaos.poisoning import r10
from tests.chaos.report import Report, Size
from tests.chaos.restored import r20
from tests.chaos.rolling import r9
from tests.chaos.suites import r13, r15

Shared = Callable[[Arena, int, Size], Awaitable[Report]]
Alone = Callable[[str, int, Size], Awaitable[Report]]

SHARED: Mapping[str, Shared] = {
    "R10": r10,  # first: it replays the whole log into an empty database
    "R1": r1,
    "R3": r3,
    "R4": r4,
    "R7": r7,
    "R8": r8,
    "R9": r9,
    "R11": r11,
    "R17": r17,
    "R18": r18,
    "R5": r5,
    "R20": r20,
}
"""Runs on one stack, one after the other: each brings customers of its own, and the checker knows all of them."""

ALONE: Mapping[str, Alone] = {
    "R2": r2,
    "R6": r6,
    "R12": r12,
    "R13": r13,
    "R15": r15,
    "R22": r22,
}
"""Runs that need a stack of a special kind, or none; they are given the transport's name."""

_LOADS = ("R17", "R18")
_USUAL = tuple(name for name in SHARED if name not in (*_LOADS, "R20"))
_SHORT: Mapping[str, Sequence[str]] = {
    "postgres": ("R10", "R1", "R3", "R4", "R9", "R11", "R5"),
    "kafka": ("R1", "R7", "R8"),
}
"""Every fault on one of the transports, and on both what a transport takes part in; loads are no faults."""
JUDGED_IN_EVERY_FORM = frozenset({"R1", "R3", "R4", "R5", "R8"})
"""Their times are bounds of recovery, not of speed under load."""
PLANS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "short": _SHORT,
    "usual": {"postgres": _USUAL, "kafka": _USUAL},
    "long": {
        "postgres": (*_USUAL, *_LOADS, "R20", "R6", "R12", "R13", "R15", "R22"),
        "kafka": (*_USUAL, *_LOADS, "R2"),
    },
}
