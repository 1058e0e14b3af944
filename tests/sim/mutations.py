"""`python -m tests.sim.mutations`: each rule of the bus broken on purpose must turn the simulation red."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, ignore_patterns

ROOT = Path(__file__).parents[2]
NEEDED = ("libs", "tests/sim")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A rule, broken by replacing one text; `mix` names the traffic that must notice (part of the mix's name)."""

    name: str
    file: str
    old: str
    new: str
    mix: str
    seeds: int


MUTATIONS: Sequence[Mutation] = (
    Mutation(
        "compare-and-set of the relay cursor replaced by greatest",
        "tests/sim/relay.py",
        "        if state.cursors[self.bus] == one.plan.cursor_from:\n"
        "            state.cursors[self.bus] = one.plan.cursor_to\n",
        "        if True:\n            state.cursors[self.bus] = max(state.cursors[self.bus], one.plan.cursor_to)\n",
        mix="healing deadline",
        seeds=60,
    ),
    Mutation(
        "no chain check",
        "libs/eventbus/protocol.py",
        "        return Judgement.APPLY if fits else Judgement.SUSPECT\n"
        "    forked = record.sequence == mark.sequence and mark.chain not in (None, record.chain)\n",
        "        return Judgement.APPLY if fits or True else Judgement.SUSPECT\n    forked = False\n",
        mix="fork",
        seeds=120,
    ),
    Mutation(
        "no mark check",
        "libs/eventbus/protocol.py",
        "    return Judgement.SUSPECT if forked else Judgement.SKIP",
        "    return Judgement.SUSPECT if forked else Judgement.APPLY",
        mix="",
        seeds=140,
    ),
    Mutation(
        "no verification before a stop",
        "libs/eventbus/protocol.py",
        "(Verify(state.lane, mark.sequence, mark.chain, question.nonce),)",
        '(HaltLane(state.lane, "suspected"),)',
        mix="late appends",
        seeds=60,
    ),
    Mutation(
        "parked probe skipped",
        "tests/sim/applying.py",
        "        open_subjects = self.database.open_subjects()",
        "        open_subjects = frozenset()",
        mix="raises",
        seeds=60,
    ),
    Mutation(
        "replay without the lane's lock",
        "tests/sim/operators.py",
        "            yield from transaction.lock([subject[0]])\n",
        "",
        mix="raises",
        seeds=120,
    ),
    Mutation(
        "floor committed after the drop",
        "tests/sim/retention.py",
        "            self.source.raise_floors(plan.floors)\n"
        "            yield 0.3 * world.random.random()\n"
        "            self.source.detached.update(going)\n"
        "            yield world.moment()\n"
        "            yield from self._finish_detached(plan.floors)\n",
        "            self.source.detached.update(going)\n"
        "            yield from self._finish_detached(plan.floors)\n"
        "            yield 0.3 * world.random.random()\n"
        "            self.source.raise_floors(plan.floors)\n",
        mix="floors",
        seeds=240,
    ),
    Mutation(
        "a watermark's head below the mark is no suspicion",
        "libs/eventbus/protocol.py",
        "    forgotten = watermark.head < mark.sequence",
        "    forgotten = False",
        mix="forgotten tail",
        seeds=60,
    ),
    Mutation(
        "a watermark may overtake its data",
        "libs/eventbus/protocol.py",
        "    if not drained:\n",
        "    if False:\n",
        mix="slow consumer",
        seeds=120,
    ),
    Mutation(
        "any refusal is obeyed",
        "libs/eventbus/protocol.py",
        "    if floor <= mark.sequence + 1 or state.rereading is not None:",
        "    if state.rereading is not None:",
        mix="floors",
        seeds=60,
    ),
    Mutation(
        "a refusal is obeyed without reading the log again",
        "libs/eventbus/protocol.py",
        "    return replace(state, rereading=Refusal(floor, mark.sequence)), (Reread(state.lane),)",
        '    return state, (HaltGroup(state.lane, "refused"),)',
        mix="consumer restored",
        seeds=60,
    ),
    Mutation(
        "a transient failure counts against the event",
        "libs/eventbus/protocol.py",
        "    if kind is Failure.TRANSIENT or (kind is Failure.TIMEOUT and not database_works):\n"
        "        return Remedy.RETRY\n    if kind is not",
        "    if kind is not",
        mix="kills",
        seeds=60,
    ),
    Mutation(
        "an attempt is not counted before it is made",
        "tests/sim/applying.py",
        "        attempts[place] += 1\n",
        "",
        mix="kills",
        seeds=60,
    ),
    Mutation(
        "a rewind is asked for again and again",
        "libs/eventbus/protocol.py",
        "    if stuck and (state.nak_at is None or now - state.nak_at >= REQUEST_SECONDS):",
        "    if stuck:",
        mix="duplicates",
        seeds=120,
    ),
    Mutation(
        "an erasure waits behind poison",
        "libs/eventbus/protocol.py",
        "        if record.erases:\n            # Never",
        "        if record.erases and record.subject not in self.open_subjects:\n            # Never",
        mix="raises",
        seeds=60,
    ),
    Mutation(
        "ids of forgotten events are not kept",
        "libs/eventbus/protocol.py",
        "        if record.event_id in self.forgotten:\n            return Action.KNOWN\n",
        "",
        mix="new epochs",
        seeds=40,
    ),
    Mutation(
        "an accepted lane resumes at its own mark",
        "libs/eventbus/protocol_epochs.py",
        "        Mark(*common),\n",
        "        mark,\n",
        mix="new epochs",
        seeds=40,
    ),
    Mutation(
        "an epoch is entered over a hole",
        "libs/eventbus/protocol_epochs.py",
        "    return Judgement.SUSPECT if forked else Judgement.GAP\n",
        "    return Judgement.SUSPECT if forked else Judgement.APPLY\n",
        mix="new epochs",
        seeds=40,
    ),
    Mutation(
        "a reader beyond the cut enters the epoch",
        "libs/eventbus/protocol_epochs.py",
        "    if end is None or mark.sequence > end.sequence:\n        return Judgement.SUSPECT\n",
        "    if end is None or mark.sequence > end.sequence:\n        return Judgement.APPLY\n",
        mix="new epochs",
        seeds=40,
    ),
    Mutation(
        "epochs are counted, not numbered by the clock",
        "libs/eventbus/protocol_epochs.py",
        "    return max(newest + 1, (now - _EPOCHS_SINCE) // _EPOCHS_EVERY)\n",
        "    return newest + 1\n",
        mix="new epochs",
        seeds=40,
    ),
    Mutation(
        "a rewind lowers one bus's cursor only",
        "tests/sim/relay.py",
        "cursors.update((bus, min(cursor, reply.to)) for bus, cursor in cursors.items())",
        "cursors.update({BUSES[0]: min(cursors[BUSES[0]], reply.to)})",
        mix="two buses",
        seeds=120,
    ),
)

NONE = Mutation("none (must stay green)", "", "", "", mix="", seeds=280)


def applied(mutation: Mutation, tree: Path) -> None:
    """The tree holds the broken rule. Raises: ValueError if the text to replace is not there exactly once."""
    file = tree / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.name}: the text to break is not in {mutation.file} exactly once")
    file.write_text(text.replace(mutation.old, mutation.new))


def caught_in(mutation: Mutation) -> int:
    """In how many seeds the simulation noticed the mutation, in a copy of the tree."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in NEEDED:
            copytree(ROOT / part, tree / part, ignore=ignore_patterns("__pycache__"))
        (tree / "tests/__init__.py").touch()
        if mutation.file:
            applied(mutation, tree)
        command = [sys.executable, "-m", "tests.sim", "--failing-only", "--seeds", str(mutation.seeds)]
        done = subprocess.run(
            [*command, "--mix", mutation.mix], cwd=tree, capture_output=True, text=True, timeout=900, check=False
        )
    if done.returncode != 0:
        raise RuntimeError(f"{mutation.name}: the simulation itself broke\n{done.stderr[-2000:]}")
    return int(done.stdout.strip().splitlines()[-1])


def main() -> int:
    """Exit status 0 if every mutation was caught and the unbroken rules were not blamed."""
    started, right = time.monotonic(), True
    print(f"{'mutation':60}{'caught in':>20}")
    for mutation in (*MUTATIONS, NONE):
        caught = caught_in(mutation)
        fine = caught == 0 if mutation is NONE else caught > 0
        right = right and fine
        print(f"{mutation.name:60}{f'{caught} of {mutation.seeds} seeds':>20}{'' if fine else '   WRONG'}", flush=True)
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
