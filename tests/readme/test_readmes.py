"""What the READMEs tell people to type works on the running system and answers what they show.

The convention: a ```sh block holds one or more `curl` commands, continued over lines with a backslash if need be. Each
must succeed. A ```json block right behind it shows fields of the last one's answer: every key shown must be there with
that value, `"..."` stands for any value that is not null, a list shows its first items. Addresses are those of the
default ports, 8001 to 8004; `$ADMIN` is the platform's token, `$TOKEN` a merchant's, `$STORE` the store that an answer
before named, `$CUSTOMER` the first one listed; `@file` is read from the root of the repository. Other ```sh blocks
(without a `curl`) are not run.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from deploy.local.databases import SERVICES
from tests.running import Running

ROOT: Final = Path(__file__).parents[2]
READMES: Final = ("README.md", *(f"services/{service}/README.md" for service in SERVICES))
_PORTS: Final = {8001 + number: service for number, service in enumerate(SERVICES)}
_BLOCK: Final = re.compile(r"^```sh\n(?P<commands>.*?)^```\n(?:\s*^```json\n(?P<shown>.*?)^```\n)?", re.S | re.M)
_VALUED: Final = {"-X": "method", "-H": "headers", "-d": "body", "--data-binary": "body"}
_FLAGS: Final = frozenset({"-s", "-S", "-f", "-sS", "-sf", "-fsS"})


@dataclass(frozen=True, slots=True)
class Example:
    """The commands of one block, and what the README shows of the last answer."""

    commands: list[str]
    shown: Any


def examples_of(text: str) -> Iterator[Example]:
    """The runnable blocks of a README."""
    for block in _BLOCK.finditer(text):
        lines = block["commands"].replace("\\\n", " ").splitlines()
        commands = [line.strip() for line in lines if line.strip().startswith("curl ")]
        if commands:
            yield Example(commands, json.loads(block["shown"]) if block["shown"] else None)


@pytest.mark.parametrize("readme", READMES)
async def test_the_commands_of_a_readme_work(running: Running, readme: str) -> None:
    tokens = {"ADMIN": running.token(None), "TOKEN": running.token(running.ours)}
    for example in _examples_in(readme):
        for command in example.commands:
            answer = await _run(command, running, tokens)
            assert answer.is_success, f"{command}\n{answer.status_code} {answer.text[:500]}"
            tokens |= _named_in(answer)
        if example.shown is not None:
            assert not list(_missing(example.shown, answer.json(), "$")), f"{example.commands[-1]}\n{answer.text[:800]}"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_shows_commands_to_try(service: str) -> None:
    examples = _examples_in(f"services/{service}/README.md")

    assert len(examples) >= 2
    assert all(example.shown is not None for example in examples)


def _examples_in(readme: str) -> list[Example]:
    return list(examples_of((ROOT / readme).read_text()))


def _named_in(answer: httpx.Response) -> dict[str, str]:
    found = answer.json() if answer.headers.get("content-type") == "application/json" else None
    if not isinstance(found, dict):
        return {}
    first: dict[str, Any] = next(iter(found.get("items", ())), {})
    named = {"STORE": found.get("store_id"), "CUSTOMER": first.get("customer_id") if "anonymous" in first else None}
    return {name: value for name, value in named.items() if value}


def _body(parts: list[str]) -> bytes | None:
    if len(parts) == 1 and parts[0].startswith("@"):
        return (ROOT / parts[0].removeprefix("@")).read_bytes()
    return "".join(parts).encode() or None


async def _run(command: str, running: Running, tokens: Mapping[str, str]) -> httpx.Response:
    """The answer to a curl command; sent by ourselves, because a machine may have no curl."""
    words = [re.sub(r"\$(\w+)", lambda found: tokens[found[1]], word) for word in shlex.split(command)[1:]]
    given: dict[str, list[str]] = {"method": [], "headers": [], "body": [], "address": []}
    rest = iter(words)
    for word in rest:
        if word in _VALUED:
            given[_VALUED[word]].append(next(rest))
        elif word not in _FLAGS:
            given["address"].append(word)
    [address] = given["address"]
    default = httpx.URL(address)
    assert default.host == "127.0.0.1", address
    headers = dict(header.split(": ", 1) for header in given["headers"])
    method = next(iter(given["method"]), "POST" if given["body"] else "GET")
    async with running.client(_PORTS[default.port or 0]) as client:
        return await client.request(method, default.raw_path.decode(), headers=headers, content=_body(given["body"]))


def _missing(shown: Any, answer: Any, at: str) -> Iterator[str]:
    if shown == "...":
        if answer is None:
            yield at
    elif isinstance(shown, dict) and isinstance(answer, dict):
        for name, value in shown.items():
            yield from _missing(value, answer.get(name), f"{at}.{name}")
    elif isinstance(shown, list) and isinstance(answer, list) and len(answer) >= len(shown):
        for number, value in enumerate(shown):
            yield from _missing(value, answer[number], f"{at}[{number}]")
    elif shown != answer:
        yield f"{at}: {answer!r} instead of {shown!r}"
