"""Every benchmark with the targets that it measures, in the order in which one builds on the other."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from tests.bench.consumer import consumer
from tests.bench.drain import drain
from tests.bench.figures import Result
from tests.bench.growth import growth
from tests.bench.history import history
from tests.bench.intake import intake
from tests.bench.latency import latency
from tests.bench.loyalty_fold import loyalty_fold
from tests.bench.normaliser import normaliser
from tests.bench.relay import relay
from tests.bench.terms import Terms

Bench = Callable[[Terms], Coroutine[Any, Any, Result]]

BENCHES: Final[Mapping[str, tuple[Bench, Sequence[str]]]] = {
    "intake": (intake, ("P1", "P2", "P3")),
    "normaliser": (normaliser, ("P4",)),
    "history": (history, ("P14",)),
    "loyalty fold": (loyalty_fold, ("P5",)),
    "growth": (growth, ("P10",)),
    "relay": (relay, ("P6",)),
    "consumer": (consumer, ("P7",)),
    "latency": (latency, ("P8",)),
    "drain": (drain, ("P9", "P16")),
}

_MEASURED: Final = {each for _, measures in BENCHES.values() for each in measures}
IDS: Final = tuple(sorted(_MEASURED, key=lambda each: int(each[1:])))
