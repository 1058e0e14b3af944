"""The checker sees each kind of broken promise: a judge that goes blind would make every simulation green."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from libs.eventbus.words import Mark
from tests.sim.checker import Verdict, check
from tests.sim.effects import Parked, Status
from tests.sim.mixes import Mix
from tests.sim.run import Scene
from tests.sim.source import LANES
from tests.sim.world import World

CALM = Mix("calm", seconds=15, mean_pause=0.3, heals_in=30.0)


def finished() -> Scene:
    scene = Scene(World(Random(1)), CALM)
    assert scene.world.run(until=scene.at_rest, deadline=200)
    return scene


def judged(scene: Scene, verdict: Verdict | None = None) -> set[str]:
    """The kinds of failure that the checker names."""
    calm = Verdict(CALM, drained=True, losses=(), poisoned=(), in_log=(), deaths={}, holes=0, naks=0, disruptions=0)
    return {failure.split(":")[0] for failure in check(scene.source, scene.database, verdict or calm)}


def forget_an_effect(scene: Scene) -> None:
    del scene.database.effects[3]


def repeat_an_effect(scene: Scene) -> None:
    scene.database.effects.append(scene.database.effects[-1])


def swap_effects(scene: Scene) -> None:
    scene.database.effects.reverse()


def delay_an_effect(scene: Scene) -> None:
    scene.database.effects[0] = replace(scene.database.effects[0], at=100.0)


def stop_a_lane(scene: Scene) -> None:
    scene.database.alarm(LANES[0], "for no reason")


def stop_the_group(scene: Scene) -> None:
    scene.database.group_halted = (LANES[0], "for no reason")


def forget_what_was_taken(scene: Scene) -> None:
    scene.source.lanes[LANES[0]].history.pop()


def park_a_healthy_event(scene: Scene) -> None:
    record = scene.database.effects[0].record
    scene.database.parked[record.lane, record.sequence] = Parked(record, failed=True, status=Status.REPLAYED)


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (forget_an_effect, "lost"),
        (repeat_an_effect, "twice"),
        (swap_effects, "out of order"),
        (delay_an_effect, "gap not healed"),
        (stop_a_lane, "false stop"),
        (stop_the_group, "false stop"),
        (forget_what_was_taken, "silent loss"),
        (park_a_healthy_event, "healthy event parked"),
    ],
)
def test_a_broken_promise_is_named(broken: Callable[[Scene], None], kind: str) -> None:
    scene = finished()

    broken(scene)

    assert kind in judged(scene)


def test_an_untouched_run_is_right() -> None:
    assert judged(finished()) == set()


def test_a_run_is_not_at_rest_before_every_lane_is_read() -> None:
    scene = finished()

    scene.database.marks[LANES[0]] = Mark()

    assert not scene.at_rest()
