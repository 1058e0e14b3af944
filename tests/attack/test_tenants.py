"""One merchant never reaches what is another's, whatever id, filter, cursor or signature it sends."""

from collections.abc import Iterable
from typing import Final

import httpx
import pytest

from deploy.local.databases import SERVICES
from libs.servicekit.problems import MEDIA_TYPE
from tests.operations import Operation, call_of, operations_of
from tests.running import Running
from tests.seeding import Tenant

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

_NO_IDS: Final = frozenset({"group", "number", "platform"})
"""Path parameters whose values are the same for every merchant."""
_REFUSED: Final = frozenset({404, 422})
"""An id in a query or body that is not the caller's: unknown."""


@EVERY_SERVICE
async def test_another_merchants_ids_lead_nowhere(running: Running, service: str) -> None:
    leaks = []
    async with (
        running.client(service, running.token(running.ours)) as owners,
        running.client(service, running.token(running.theirs)) as strangers,
    ):
        for operation in await operations_of(running, service):
            if operation.is_public or operation.is_platforms:
                continue
            call = await call_of(operation, running.ours, owners)
            answer = await call.send(strangers)
            if _takes_ids(operation) and answer.status_code not in _REFUSED:
                leaks.append(f"{operation}: {answer.status_code}")
            leaks += [f"{operation}: shows {told}" for told in _shown(answer, running.ours, service)]

    assert not leaks, "\n".join(leaks)


def _takes_ids(operation: Operation) -> bool:
    """The call names something of the owner's, in its path, a required query parameter or its body."""
    named = {each["name"] for each in operation.parameters("path")} - _NO_IDS
    asked = {each["name"] for each in operation.parameters("query") if each["required"]}
    body = operation.body_example()
    return bool(named or asked or (isinstance(body, dict) and "customer_id" in body))


@EVERY_SERVICE
async def test_filters_and_cursors_of_another_merchant_find_nothing(running: Running, service: str) -> None:
    wrong = []
    async with (
        running.client(service, running.token(running.ours)) as owners,
        running.client(service, running.token(running.theirs)) as strangers,
    ):
        for operation in await operations_of(running, service):
            if operation.method != "GET" or operation.is_public or operation.is_platforms:
                continue
            own = await call_of(operation, running.theirs, strangers)
            for name, value in await _filters(operation, running.ours, owners):
                answer = await strangers.get(own.path, params={name: value})
                found = answer.json().get("items") if answer.status_code == 200 else None
                if found and name != "cursor":
                    wrong.append(f"{operation} ?{name}= finds {len(found)}")
                wrong += [f"{operation} ?{name}= shows {told}" for told in _shown(answer, running.ours, service)]

    assert not wrong, "\n".join(wrong)


async def _filters(operation: Operation, owner: Tenant, owners: httpx.AsyncClient) -> list[tuple[str, str]]:
    """The optional query parameters that can name something of the owner's, with the owner's values."""
    known = {**owner.ids[operation.service], "email": owner.email}
    names = [each["name"] for each in operation.parameters("query") if not each["required"]]
    filters = [(name, known[name]) for name in names if name in known and name not in _NO_IDS]
    if "cursor" in names:
        first = await owners.get((await call_of(operation, owner, owners)).path, params={"limit": "1"})
        if cursor := first.json().get("next_cursor"):
            filters.append(("cursor", cursor))
    return filters


def _shown(answer: httpx.Response, owner: Tenant, service: str) -> Iterable[str]:
    """What of the owner's stands in the answer. A problem's `instance` only repeats what was asked."""
    if answer.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return ()
    own = {str(owner.merchant_id), str(owner.store_id), owner.email}
    own |= {value for name, value in owner.ids[service].items() if name not in _NO_IDS}
    return sorted(told for told in own if told in answer.text)


async def test_a_hook_takes_no_other_stores_signature(running: Running) -> None:
    [hook] = [each for each in await operations_of(running, "order_ingest") if "{endpoint_token}" in each.path]
    async with running.client("order_ingest") as client:
        forged = await call_of(hook, running.theirs, client)
        aimed = await call_of(hook, running.ours, client)
        refused = await client.post(aimed.path, content=forged.content, headers=forged.headers)

    assert refused.status_code == 401
