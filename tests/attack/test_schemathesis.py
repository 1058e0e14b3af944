"""Requests made from each service's own document, valid and broken ones, never get any but documented answers.

About 500 requests a service, at most 40 seconds; `ATTACK_CASES` asks for another number (with the time in proportion),
`ATTACK_SEED` for other requests. Half of them aim at ids that exist, so that they get past the 404.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from deploy.local.databases import SERVICES
from tests.operations import PLATFORMS
from tests.running import Running

CASES: Final = int(os.environ.get("ATTACK_CASES", "500"))
SEED: Final = int(os.environ.get("ATTACK_SEED", "3"))
SECONDS: Final = 40.0 * CASES / 500
CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]
_ANSWER_SECONDS: Final = 10.0
_ENDS_WHAT_IT_NAMES: Final = frozenset(
    {f"POST /v1/{whose}/erasures" for whose in ("customers/{customer_id}", "stores/{store_id}")}
)
"""Aimed at nothing that exists: what is behind them would be attacked in vain."""


@schemathesis.serializer("application/x-ndjson")
def _as_it_is(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A body of lines is sent as it was made."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")


@dataclass(slots=True)
class Attack:
    """The requests to one service, and what came of them."""

    token: str
    platforms_token: str
    ids: dict[str, str]
    session: requests.Session
    deadline: float
    answers: Counter[int] = field(default_factory=Counter)
    found: dict[str, str] = field(default_factory=dict)
    """The first request of each kind of failure."""

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.deadline

    def send(self, case: Any) -> None:
        """The answer was checked; what is wrong with it is noted."""
        token = self.platforms_token if case.operation.path in PLATFORMS else self.token
        headers = {"Authorization": f"Bearer {token}"}
        response = case.call(session=self.session, headers=headers, timeout=_ANSWER_SECONDS)
        self.answers[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS, headers=headers, transport_kwargs={"session": self.session})
        except (Failure, FailureGroup) as failure:
            for each in _leaves(failure):
                key = f"{case.operation.label}: {type(each).__name__} {response.status_code}"
                self.found.setdefault(key, f"{key}\n    {each}\n    {case.as_curl_command()[:600]}")


@pytest.mark.parametrize("service", SERVICES)
def test_documented_requests_get_documented_answers(running: Running, service: str) -> None:
    schema = schemathesis.openapi.from_url(f"{running.urls[service]}/openapi.json")
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    with requests.Session() as session:
        session.trust_env = False
        attack = Attack(
            token=running.token(running.theirs),
            platforms_token=running.token(None),
            ids=dict(running.theirs.ids[service]),
            session=session,
            deadline=time.monotonic() + SECONDS,
        )
        for number, (operation, mode, ids) in enumerate(_plan(operations, attack.ids)):
            _try(attack, operation, mode, ids, examples=ceil(CASES / (4 * len(operations))), seed=SEED + number)
            if not attack.has_time:
                break
    sent = sum(attack.answers.values())
    print(f"{service}: {sent} requests, seed {SEED}: {dict(sorted(attack.answers.items()))}")

    assert not attack.found, "\n".join(attack.found.values())
    assert sent > 0


def _plan(operations: list[Any], known: dict[str, str]) -> Iterator[tuple[Any, GenerationMode, dict[str, str]]]:
    """Each way through every operation before the next way: if time runs out, no operation goes without."""
    for aim in (True, False):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for operation in operations:
                named = set() if operation.label in _ENDS_WHAT_IT_NAMES else {p.name for p in operation.path_parameters}
                yield operation, mode, {name: known[name] for name in named & known.keys()} if aim else {}


def _try(
    attack: Attack, operation: Any, mode: GenerationMode, ids: dict[str, str], *, examples: int, seed: int
) -> None:
    strategy = operation.as_strategy(generation_mode=mode, **({"path_parameters": ids} if ids else {}))

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=strategy)
    def send(case: Any) -> None:
        if attack.has_time:
            attack.send(case)

    try:
        send()
    except hypothesis.errors.Unsatisfiable:  # nothing can be broken about an operation without input
        return


def _leaves(failure: Any) -> Iterator[Failure]:
    if isinstance(failure, FailureGroup):
        for each in failure.exceptions:
            yield from _leaves(each)
    else:
        yield failure
