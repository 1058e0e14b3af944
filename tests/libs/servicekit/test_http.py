"""What every service's HTTP application does, whatever its routes are."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from libs.servicekit.clock import ManualClock
from libs.servicekit.errors import DatabaseUnavailable, UnknownMerchant
from libs.servicekit.problems import Flaw, Problem
from tests.libs.servicekit.stage import MERCHANT, NOW, bearer, client_of, make_app, make_kit

SECRET = "ada@example.com"
PROBLEMS = "application/problem+json"


class _Refusal(Exception):
    """What the driver raises, as far as it is looked at."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(SECRET)
        self.sqlstate = sqlstate


FAILURES: dict[str, Exception] = {
    "refused": Problem("too-late", 409, "Conflict", "It is over.", [Flaw(pointer="/at", detail="past")], {"X-A": "b"}),
    "bug": RuntimeError(f"boom at {SECRET}"),
    "merchant": UnknownMerchant(MERCHANT),
    "database": DatabaseUnavailable(SECRET),
    "pool": PoolTimeout(SECRET),
    "network": ConnectionRefusedError(SECRET),
    "connection": InterfaceError(SECRET, {}, Exception(SECRET)),
    "constraint": IntegrityError("INSERT", {"email": SECRET}, Exception(SECRET)),
    "http": HTTPException(410, "It is gone."),
    "deadlock": DBAPIError("UPDATE", {}, _Refusal("40P01")),
    "lock": DBAPIError("UPDATE", {}, _Refusal("55P03")),
    "shutdown": DBAPIError("UPDATE", {}, _Refusal("57P01")),
    "nul": DBAPIError("INSERT", {}, _Refusal("22021")),
    "wrong type": DBAPIError("INSERT", {}, _Refusal("22000")),
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(make_kit(), failures=FAILURES)) as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "status", "slug"),
    [
        ("refused", 409, "too-late"),
        ("bug", 500, "internal"),
        ("merchant", 404, "not-found"),
        ("database", 503, "unavailable"),
        ("pool", 503, "unavailable"),
        ("network", 503, "unavailable"),
        ("connection", 503, "unavailable"),
        ("constraint", 500, "internal"),
        ("http", 410, "gone"),
        ("deadlock", 503, "unavailable"),
        ("lock", 503, "unavailable"),
        ("shutdown", 503, "unavailable"),
        ("nul", 422, "invalid-request"),
        ("wrong type", 500, "internal"),
    ],
)
async def test_every_failure_leaves_as_a_problem_that_tells_no_secret(
    client: httpx.AsyncClient, kind: str, status: int, slug: str
) -> None:
    answer = await client.get(f"/v1/failures/{kind}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEMS
    document = answer.json()
    assert (document["type"], document["status"]) == (f"urn:huitou:problem:{slug}", status)
    assert document["instance"] == answer.url.path
    assert SECRET not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_problem_carries_its_flaws_and_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/failures/refused")

    assert answer.json()["errors"] == [{"pointer": "/at", "detail": "past"}]
    assert answer.headers["x-a"] == "b"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/orders", 405)])
async def test_what_no_route_answers_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEMS)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"number": "1", "lines": [{"quantity": 1}, {"quantity": 0}]}', ["/lines/1/quantity"]),
        (b'{"lines": 3}', ["/number", "/lines"]),
        (b'{"number": ', [""]),
        (b"", [""]),
    ],
)
async def test_a_wrong_body_is_422_with_pointers(client: httpx.AsyncClient, body: bytes, pointers: list[str]) -> None:
    headers = {**bearer("orders:write"), "content-type": "application/json"}
    answer = await client.post("/v1/orders", content=body, headers=headers)

    assert answer.status_code == 422
    assert [flaw["pointer"] for flaw in answer.json()["errors"]] == pointers


async def test_an_unknown_query_parameter_is_refused_not_ignored(client: httpx.AsyncClient) -> None:
    known = await client.get("/v1/orders?status=paid", headers=bearer("orders:read"))
    unknown = await client.get("/v1/orders?state=paid&status=paid&x=1&x=2", headers=bearer("orders:read"))

    assert known.json()["status"] == "paid"
    assert unknown.status_code == 422
    assert unknown.json()["errors"] == [
        {"pointer": "/query/state", "detail": "unknown parameter; this route has: status"},
        {"pointer": "/query/x", "detail": "unknown parameter; this route has: status"},
    ]


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * (1 << 19)


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/v1/uploads/a", b"x" * (1 << 20), 200),
        ("/v1/uploads/a", b"x" * ((1 << 20) + 1), 413),
        ("/v1/uploads/a", 2, 200),
        ("/v1/uploads/a", 3, 413),
        ("/v1/uploads/large", 8, 200),
        ("/v1/uploads/large", 9, 413),
        ("/v1/orders", 3, 413),
    ],
)
async def test_a_body_beyond_the_limit_is_413_however_it_is_sent(
    client: httpx.AsyncClient, path: str, content: bytes | int, status: int
) -> None:
    body = _chunks(content) if isinstance(content, int) else content
    headers = {**bearer("orders:write"), "content-type": "application/json"}
    answer = await client.post(path, content=body, headers=headers)

    assert answer.status_code == status
    if status == 413:
        assert answer.headers["content-type"] == PROBLEMS


async def test_a_mounted_part_sets_its_own_limits_behind_the_edge_alone(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/hooks/a", content=_chunks(3))

    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


async def test_browsers_of_other_origins_stay_out(client: httpx.AsyncClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    preflight = await client.options("/v1/orders", headers=asked)
    simple = await client.get("/v1/orders", headers={**asked, **bearer("orders:read")})

    for answer in (preflight, simple):
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert preflight.status_code == 405


async def test_answers_are_neither_sniffed_nor_framed_nor_stored(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/v1/orders", headers=bearer("orders:read"))).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


async def test_the_correlation_id_is_the_callers_if_harmless(client: httpx.AsyncClient) -> None:
    given = await client.get("/livez", headers={"X-Request-Id": "import-7.a"})
    traced = await client.get("/livez", headers={"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"})
    harmful = await client.get("/livez", headers={"X-Request-Id": "x y@z" * 40})

    assert given.headers["x-request-id"] == "import-7.a"
    assert traced.headers["x-request-id"] == "ab" * 16
    assert len(harmful.headers["x-request-id"]) == 32


async def test_beyond_its_allowance_a_caller_waits() -> None:
    clock = ManualClock(NOW)
    async with client_of(make_app(make_kit(clock=clock, requests_per_second=1, requests_burst=2))) as client:

        async def ask(subject: str) -> httpx.Response:
            return await client.get("/v1/orders", headers=bearer("orders:read", subject=subject))

        answers = [await ask("ada") for _ in range(3)]
        other = await ask("bob")
        clock.advance(timedelta(seconds=1))
        later = await ask("ada")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["ratelimit"] == '"default";r=0;t=2'
    assert answers[2].headers["retry-after"] == "1"
    assert (other.status_code, later.status_code) == (200, 200)


async def test_ready_only_while_every_check_is_content() -> None:
    kit = make_kit()
    complaints: dict[str, str | None] = {"relay": None}

    async def relay() -> str | None:
        return complaints["relay"]

    async def broken() -> str | None:
        raise RuntimeError(SECRET)

    kit.health.add("relay", relay)
    async with client_of(make_app(kit)) as client:
        ready = await client.get("/readyz")
        complaints["relay"] = "nothing published for 60 s"
        not_ready = await client.get("/readyz")
        kit.health.add("other", broken)
        failing = await client.get("/readyz")
        alive = await client.get("/livez")

    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "checks": {"relay": "ok"}})
    assert not_ready.status_code == 503
    assert not_ready.json()["checks"] == {"relay": "nothing published for 60 s"}
    assert failing.json()["checks"]["other"] == "check failed: RuntimeError"
    assert alive.status_code == 200


async def test_figures_name_routes_not_paths(client: httpx.AsyncClient) -> None:
    await client.get("/v1/failures/refused")
    await client.post("/v1/hooks/a-secret-token")
    await client.get("/v1/no/such/path")
    figures = (await client.get("/metrics")).text

    assert 'route="/v1/failures/{kind}",status="409"' in figures
    assert 'route="/v1/hooks",status="200"' in figures
    assert 'route="unmatched",status="404"' in figures
    assert "a-secret-token" not in figures


async def test_the_document_tells_scopes_problems_and_plain_asgi_parts(client: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/v1/orders"]["get"]

    assert document["info"] == {
        "title": "Stage",
        "description": "An application to try the kit on.",
        "version": "1.2.3",
    }
    assert operation["security"] == [{"bearer": ["orders:read"]}]
    assert "`orders:read`" in operation["description"]
    assert set(operation["responses"]) == {"200", "401", "403", "422", "default"}
    assert list(operation["responses"]["422"]["content"]) == [PROBLEMS]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "/v1/hooks/{token}" in document["paths"]


async def test_the_docs_page_needs_nothing_from_the_internet(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    asset = await client.get("/docs/assets/swagger-ui-bundle.js")
    style = await client.get("/docs/assets/swagger-ui.css")

    assert page.status_code == asset.status_code == style.status_code == 200
    assert "https://" not in page.text
    assert 'src="docs/assets/swagger-ui-bundle.js"' in page.text


async def test_the_facts_are_documented_beside_the_routes(client: httpx.AsyncClient) -> None:
    document = (await client.get("/asyncapi.json")).json()

    assert document["asyncapi"].startswith("3.")
