"""Fault mixes: which traffic, which faults how often, and what a whole run must have absorbed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.sim.effects import Poison


@dataclass(frozen=True, slots=True)
class Mix:
    """`faults`: mean seconds between strikes. `absorbs`: counters that may not stay 0 over a whole run."""

    name: str
    faults: Mapping[str, float] = field(default_factory=dict)
    absorbs: tuple[str, ...] = ()
    seconds: float = 40.0
    keys: int = 8
    mean_pause: float = 1.0
    rollback: float = 0.1
    erasure: float = 0.0
    poison: Mapping[Poison, float] = field(default_factory=dict)
    transient: float = 0.0
    control_loss: float = 0.0
    clock_steps_back: float = 0.0
    two_leaders: bool = False
    relay_latency: float = 0.0
    consumer_latency: float = 0.0
    silent_after_restore: bool = False
    heals_restores: bool = False  # operators start new epochs and accept them
    two_buses: bool = False
    kept_days: int = 1  # of the outbox
    asks_nothing: bool = False  # nothing is lost here, so any request for a rewind is a false alarm
    heals_in: float | None = None  # seconds from a loss (or the commit) to the effect


HEAVY = 0.12

MIXES: tuple[Mix, ...] = (
    Mix(
        "slow consumer, heavy traffic",
        mean_pause=HEAVY,
        seconds=20,
        consumer_latency=4.0,
        relay_latency=4.0,
        asks_nothing=True,
        faults={"switch": 8},
        absorbs=("absorbed duplicates",),
    ),
    Mix(
        "crashes",
        faults={"crash": 1.5},
        absorbs=("absorbed open transactions", "absorbed duplicates"),
    ),
    Mix(
        "wipes and tail losses, two relays",
        faults={"wipe": 15, "tail": 6, "crash": 8},
        two_leaders=True,
        absorbs=("absorbed duplicates", "absorbed rewinds carried out"),
    ),
    Mix(
        "duplicates and late appends",
        faults={"duplicate": 2, "late": 3, "pause": 6, "switch": 4, "tail": 15},
        absorbs=("absorbed duplicates", "absorbed foreign records"),
    ),
    Mix(
        "lost control records",
        faults={"tail": 5, "crash": 10, "stale": 5},
        control_loss=0.5,
        absorbs=("absorbed rewinds carried out",),
    ),
    Mix(
        "zombies and rebalances",
        faults={"rebalance": 2, "pause": 3, "crash": 12},
        consumer_latency=0.2,
        absorbs=("absorbed duplicates", "absorbed lost sessions"),
    ),
    Mix(
        "poison that raises, erasure, replay",
        faults={"cure": 6, "crash": 12, "rebalance": 8},
        poison={Poison.RAISES: 0.12, Poison.HANGS: 0.02},
        erasure=0.08,
        keys=5,
        mean_pause=0.5,
        absorbs=("absorbed parked", "absorbed parked behind", "absorbed replays", "absorbed discards by erasure"),
    ),
    Mix(
        "poison that kills, transient failures",
        faults={"cure": 25, "rebalance": 10, "outage": 20},
        poison={Poison.KILLS: 0.03, Poison.RAISES: 0.02},
        transient=0.15,
        absorbs=("absorbed parked", "absorbed transient failures"),
    ),
    Mix(
        "source restored: fork",
        faults={"remember": 4, "restore": 15, "crash": 15, "tail": 20},
        mean_pause=0.25,
        seconds=30,
        absorbs=("absorbed restores",),
    ),
    Mix(
        "source restored: forgotten tail",
        faults={"remember": 4, "restore": 20, "duplicate": 10},
        silent_after_restore=True,
        absorbs=("absorbed restores",),
    ),
    Mix(
        "source restored again and again, new epochs",
        faults={
            "remember": 4,
            "restore and heal": 12,
            "new epoch": 10,
            "crash": 8,
            "tail": 20,
            "wipe": 40,
            "late": 15,
            "cure": 15,
        },
        poison={Poison.RAISES: 0.04},
        heals_restores=True,
        kept_days=1000,  # an operator who takes longer than the outbox is kept finds nothing to resume from
        mean_pause=0.4,
        seconds=60,
        absorbs=(
            "absorbed acceptances",
            "absorbed forgotten events",
            "absorbed events that were known",
            "absorbed epochs followed",
        ),
    ),
    Mix(
        "readers move between two buses",
        faults={"move": 5, "crash": 8, "tail": 8, "wipe": 30, "rebalance": 10, "switch": 10},
        two_buses=True,
        mean_pause=0.3,
        seconds=50,
        absorbs=("absorbed duplicates", "absorbed rewinds carried out"),
    ),
    Mix(
        "retention, floors, stale rewinds",
        faults={"stale": 1.5, "crash": 2.5, "pause": 12},
        clock_steps_back=0.15,
        seconds=120,
        absorbs=("absorbed cursors below the floor", "absorbed children attached again"),
    ),
    Mix(
        "consumer restored, retention",
        faults={"remember": 10, "restore consumer": 30, "tail": 30, "wipe": 80, "crash": 20},
        seconds=120,
        mean_pause=1.5,
        absorbs=("absorbed rewinds carried out", "asked reread"),
    ),
    Mix(
        "heavy traffic, one loss, healing deadline",
        faults={"loss": 12},
        mean_pause=HEAVY,
        seconds=50,
        two_leaders=True,
        relay_latency=0.25,
        consumer_latency=0.4,
        heals_in=30.0,
        absorbs=("absorbed rewinds carried out", "absorbed lost cursor races"),
    ),
    Mix(
        "everything but restores",
        faults={
            "crash": 5,
            "pause": 8,
            "tail": 8,
            "wipe": 30,
            "duplicate": 5,
            "late": 6,
            "rebalance": 6,
            "stale": 8,
            "switch": 8,
            "cure": 15,
            "outage": 30,
        },
        poison={Poison.RAISES: 0.03, Poison.KILLS: 0.01, Poison.HANGS: 0.01},
        erasure=0.03,
        transient=0.05,
        control_loss=0.2,
        clock_steps_back=0.02,
        seconds=60,
        absorbs=("absorbed duplicates", "absorbed rewinds carried out", "absorbed parked"),
    ),
)
