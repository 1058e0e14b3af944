"""The transport: partitions of entries, stored group offsets, and the soft control topic. It may lose anything."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from libs.eventbus.words import Lane, Record, Request, Signal
from tests.sim.world import World

PARTITIONS = 2

Entry: TypeAlias = tuple[Record | Signal, ...]  # a data record alone, or a relay's signals for several lanes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on control."""

    at: float
    request: Request


@dataclass(eq=False)
class Log:
    """What the relay appends and consumers read. Positions survive a loss only by chance; the marks judge."""

    world: World
    partitions: list[list[Entry]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    committed: dict[int, int] = field(default_factory=dict)
    incarnation: int = 0
    control: list[Asked] = field(default_factory=list)
    control_loss: float = 0.0

    def append(self, partition: int, entries: Sequence[Entry]) -> None:
        self.partitions[partition].extend(entries)

    def ask(self, request: Request) -> None:
        if self.world.random.random() < self.control_loss:
            self.world.counts["injected control losses"] += 1
            return
        self.control.append(Asked(self.world.now, request))

    def take_requests(self) -> list[Asked]:
        taken, self.control = self.control, []
        return taken

    def wipe(self) -> int:
        """Everything is lost, stored offsets and control included. Returns how many entries."""
        lost = sum(map(len, self.partitions))
        for partition in self.partitions:
            partition.clear()
        self.committed.clear()
        self.control.clear()
        self.incarnation += self.world.random.random() < 0.5
        return lost

    def lose_tail(self, partition: int, count: int) -> int:
        """The newest entries of a partition are lost; readers may stand beyond its end."""
        lost = min(count, len(self.partitions[partition]))
        del self.partitions[partition][len(self.partitions[partition]) - lost :]
        return lost

    def holds(self) -> set[tuple[Lane, int]]:
        """The places of all events in the log."""
        items = (item for entries in self.partitions for entry in entries for item in entry)
        return {(item.lane, item.sequence) for item in items if isinstance(item, Record)}

    def commit(self, partition: int, position: int) -> None:
        self.committed[partition] = max(position, self.committed.get(partition, 0))
