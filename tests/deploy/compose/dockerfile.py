"""deploy/Dockerfile, parsed strictly: an instruction, flag or form that is not known here is an error.

Source: https://docs.docker.com/reference/dockerfile/
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_FLAGS: Final[Mapping[str, frozenset[str]]] = {
    "FROM": frozenset(),
    "ARG": frozenset(),
    "ENV": frozenset(),
    "WORKDIR": frozenset(),
    "RUN": frozenset(),
    "COPY": frozenset({"from", "chmod"}),
    "USER": frozenset(),
    "EXPOSE": frozenset(),
    "ENTRYPOINT": frozenset(),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "retries"}),
}
_FLAG: Final = re.compile(r"--(?P<name>[a-z-]+)=(?P<value>\S+)\s+")


class Wrong(Exception):
    """Docker would refuse this, or we do not want it."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction. `words` of an exec form are its words as they are; a shell form is one word."""

    word: str
    flags: Mapping[str, str]
    words: tuple[str, ...]
    is_exec: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """`FROM base AS name`, and what follows."""

    name: str
    base: str
    instructions: tuple[Instruction, ...]

    def all(self, word: str) -> list[Instruction]:
        """Its instructions of one kind."""
        return [each for each in self.instructions if each.word == word]


def parse(text: str) -> dict[str, Stage]:
    """The stages by name, in order. Raises: Wrong."""
    stages: dict[str, Stage] = {}
    for line in _logical_lines(text):
        instruction = _instruction(line)
        if instruction.word == "FROM":
            stage = _stage(instruction)
            if stage.name in stages:
                raise Wrong(f"two stages {stage.name}")
        elif not stages:
            raise Wrong(f"before the first FROM: {line}")
        else:
            last = stages[next(reversed(stages))]
            stage = Stage(last.name, last.base, (*last.instructions, instruction))
        stages[stage.name] = stage
    return stages


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        pending += line.strip()
        if not pending.endswith("\\"):
            yield pending
            pending = ""
        else:
            pending = pending[:-1]
    if pending:
        raise Wrong(f"ends in the middle of: {pending}")


def _instruction(line: str) -> Instruction:
    word, _, rest = line.partition(" ")
    if word not in _FLAGS:
        raise Wrong(f"not known here: {line}")
    flags, rest = {}, rest.lstrip()
    while found := _FLAG.match(rest):
        flags[found["name"]] = found["value"]
        rest = rest[found.end() :]
    if strange := set(flags) - _FLAGS[word]:
        raise Wrong(f"{word} with {sorted(strange)}")
    if word == "HEALTHCHECK":
        kind, _, rest = rest.partition(" ")
        if kind != "CMD":
            raise Wrong(f"HEALTHCHECK {kind}")
    return _with_words(word, flags, rest.strip())


def _with_words(word: str, flags: Mapping[str, str], rest: str) -> Instruction:
    if rest.startswith("["):
        words = json.loads(rest)
        if not (isinstance(words, list) and words and all(isinstance(each, str) for each in words)):
            raise Wrong(f"{word} {rest}")
        return Instruction(word, flags, tuple(words), True)
    if word in ("ENTRYPOINT", "HEALTHCHECK"):
        raise Wrong(f"{word} in shell form keeps signals to itself: {rest}")
    words = [rest] if word == "RUN" else shlex.split(rest)
    if not rest or words[0].startswith("--"):
        raise Wrong(f"{word} {rest}")
    return Instruction(word, flags, tuple(words), False)


def _stage(instruction: Instruction) -> Stage:
    match instruction.words:
        case (base, "AS", name):
            return Stage(name, base, ())
    raise Wrong(f"FROM {' '.join(instruction.words)}: a stage has a name here")
