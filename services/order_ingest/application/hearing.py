"""All that one batch of other services' facts concerns, in memory: loaded once, changed by the fold, stored once."""

from dataclasses import dataclass, field

from libs.contracts.envelope import Said


@dataclass(slots=True)
class Hearing:
    """What a batch from the bus has loaded and decided. Nothing here awaits."""

    said: list[Said] = field(default_factory=list)
