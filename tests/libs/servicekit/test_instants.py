"""Instants in requests: RFC 3339 or a 422 that says where, in the query as in bodies, and the document says so."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Query
from pydantic import BaseModel

from libs.servicekit.instants import Instant
from tests.libs.servicekit.stage import client_of, make_app, make_kit

router = APIRouter(prefix="/v1")


class Wish(BaseModel):
    """A body with an instant in it."""

    starts_at: Instant | None = None


@router.get("/figures")
async def show_figures(as_of: Annotated[Instant | None, Query()] = None) -> dict[str, Any]:
    return {"as_of": as_of}


@router.post("/wishes")
async def post_wish(wish: Wish) -> Wish:
    return wish


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(make_app(make_kit(), routers=[router])) as client:
        yield client


@pytest.mark.parametrize("text", ["2026-03-01T12:00:00Z", "2026-03-01T20:00:00+08:00"])
async def test_an_rfc_3339_instant_is_taken(client: httpx.AsyncClient, text: str) -> None:
    asked = await client.get("/v1/figures", params={"as_of": text})
    posted = await client.post("/v1/wishes", json={"starts_at": text})

    assert asked.json() == {"as_of": "2026-03-01T12:00:00Z"}
    assert posted.json() == {"starts_at": "2026-03-01T12:00:00Z"}


@pytest.mark.parametrize("text", ["5.0", "5", "", "2026-03-01", "2026-03-01T12:00:00", "20260301T120000Z"])
async def test_nothing_else_is_taken_in_the_query(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.get("/v1/figures", params={"as_of": text})

    assert answer.status_code == 422
    assert [flaw["pointer"] for flaw in answer.json()["errors"]] == ["/query/as_of"]
    assert "RFC 3339" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("value", [5, 5.0, 1767225600, True, [], "1767225600", "2026-03-01T12:00:00"])
async def test_nothing_else_is_taken_in_a_body(client: httpx.AsyncClient, value: object) -> None:
    content = json.dumps({"starts_at": value})
    answer = await client.post("/v1/wishes", content=content, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert [flaw["pointer"] for flaw in answer.json()["errors"]] == ["/starts_at"]


async def test_the_document_says_date_time(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    asked = document["paths"]["/v1/figures"]["get"]["parameters"][0]["schema"]["anyOf"]
    told = document["components"]["schemas"]["Wish"]["properties"]["starts_at"]["anyOf"]

    assert {"type": "string", "format": "date-time"} in asked
    assert {"type": "string", "format": "date-time"} in told
