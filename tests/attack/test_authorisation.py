"""Who may call what: the matrix in scopes.csv, the documents and the running services agree.

A new route needs its line in scopes.csv, written by a person: that is the file's purpose.
"""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from deploy.local.databases import SERVICES
from deploy.local.local_tokens import MERCHANT_SCOPES
from tests.operations import PLATFORMS, Operation, all_operations
from tests.running import Running

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

_MATRIX: Final = Path(__file__).with_name("scopes.csv")
_PUBLIC: Final = "public"
PUBLIC_ROUTES: Final = frozenset(
    {
        ("order_ingest", "POST", "/v1/hooks/{platform}/{endpoint_token}"),  # proved by its signature
        ("messaging", "GET", "/v1/u/{token}"),  # proved by the token in the mail
        ("messaging", "POST", "/v1/u/{token}"),
    }
)
UNDOCUMENTED_PUBLIC: Final = ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json", "/asyncapi.json")
_EVERY_SCOPE: Final = (*MERCHANT_SCOPES, "jobs:*", "audit_log:*", "ops:*", "platform")
_NOBODYS_ID: Final = "00000000-0000-7000-8000-000000000000"


async def test_the_documents_say_what_the_matrix_says(running: Running) -> None:
    with _MATRIX.open() as rows:
        matrix = {(row["service"], row["method"], row["path"]): row["scope"] for row in csv.DictReader(rows)}

    told = {each.key: " ".join(each.scopes) or _PUBLIC for each in await all_operations(running)}

    assert told == matrix
    assert {key for key, scope in matrix.items() if scope == _PUBLIC} == PUBLIC_ROUTES


@EVERY_SERVICE
async def test_without_a_token_nothing_opens(running: Running, service: str) -> None:
    answers = await _asked(running, service, lambda operation: None)

    assert {operation: status for operation, status in answers.items() if status != 401} == {}


@EVERY_SERVICE
async def test_every_other_scope_together_does_not_open_a_route(running: Running, service: str) -> None:
    def token(operation: Operation) -> str:
        family = operation.scopes[0].partition(":")[0]
        others = {*_EVERY_SCOPE, *_siblings(operation.scopes[0])}
        return running.token(
            None if operation.is_platforms else running.ours,
            scopes=[each for each in others if each not in (f"{family}:*", operation.scopes[0])],
        )

    answers = await _asked(running, service, token)

    assert {operation: status for operation, status in answers.items() if status != 403} == {}


@EVERY_SERVICE
async def test_a_routes_own_scope_opens_it(running: Running, service: str) -> None:
    def token(operation: Operation) -> str:
        return running.token(None if operation.is_platforms else running.ours, scopes=operation.scopes)

    answers = await _asked(running, service, token)

    assert {operation: status for operation, status in answers.items() if status in (401, 403) or status >= 500} == {}


@EVERY_SERVICE
async def test_a_token_without_merchant_opens_no_merchants_route(running: Running, service: str) -> None:
    answers = await _asked(running, service, lambda operation: running.token(None, scopes=_EVERY_SCOPE))
    merchants = {each: status for each, status in answers.items() if "/ops/" not in each and not _is_platforms(each)}

    assert {each: status for each, status in merchants.items() if status not in (403, 404, 422)} == {}
    assert 403 in merchants.values()


@EVERY_SERVICE
async def test_a_merchants_operator_moves_no_lane(running: Running, service: str) -> None:
    async with running.client(service, running.token(running.ours, scopes=["ops:*"])) as client:
        skip = {"source": "order-ingest", "topic": "commerce", "lane": 1, "sequence": 1, "reason": "for no reason"}
        answers = [
            await client.post("/v1/ops/skips", json=skip),
            await client.post("/v1/ops/rewinds", json={"topic": "commerce", "reason": "for no reason"}),
        ]

    assert [answer.status_code for answer in answers] == [403, 403]


@EVERY_SERVICE
async def test_public_pages_need_no_token_and_show_no_merchant(running: Running, service: str) -> None:
    async with running.client(service) as client:
        pages = [await client.get(path) for path in UNDOCUMENTED_PUBLIC]

    assert [page.status_code for page in pages] == [200] * len(UNDOCUMENTED_PUBLIC)
    assert not [page.url.path for page in pages if str(running.ours.merchant_id) in page.text]


def _is_platforms(operation: str) -> bool:
    return operation.split()[-1] in PLATFORMS


def _siblings(scope: str) -> set[str]:
    """The other rights on the same resource, and those of a resource whose name begins alike."""
    family, _, right = scope.partition(":")
    return {f"{family}:{other}" for other in ("read", "write", "replay") if other != right and right} | {f"{family}x:*"}


async def _asked(running: Running, service: str, token: Callable[[Operation], str | None]) -> dict[str, int]:
    """Each protected operation's answer to a request that could do nothing even if it got through."""
    answers = {}
    async with running.client(service) as client:
        for operation in await all_operations(running):
            if operation.service == service and not operation.is_public:
                answers[str(operation)] = await _status(client, operation, token(operation))
    return answers


async def _status(client: httpx.AsyncClient, operation: Operation, token: str | None) -> int:
    path = operation.path.replace("{group}", "champions").replace("{number}", "999999")
    path = path.replace("{parked_id}", "order-ingest.nothing.1.1")
    path = re.sub(r"\{\w+\}", _NOBODYS_ID, path)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = b"{}" if "requestBody" in operation.told else None
    if body:
        headers["Content-Type"] = "application/json"
    return (await client.request(operation.method, path, headers=headers, content=body)).status_code
