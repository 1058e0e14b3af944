"""One merchant never reaches what is another's: over HTTP by any id, in SQL by any statement of the API's role."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import httpx
import pytest

from deploy.local.databases import SERVICES
from libs.servicekit.problems import MEDIA_TYPE
from tests.operations import Operation, call_of, operations_of
from tests.running import Running, Tenant

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

_NO_IDS: Final = frozenset({"group", "number", "platform"})
"""Path parameters whose values are the same for every merchant."""
_REFUSED: Final = frozenset({404, 422})
"""An id in a query or body that is not the caller's: unknown."""

BUS_TABLES: Final = frozenset(
    {
        # What is said and heard, of all merchants in one sequence per lane; written and read by place or subject only.
        *("outbox", "outbox_lane", "outbox_cursor", "outbox_floor", "consumer_group_member", "source_identity"),
        *("inbox_lane", "parked_event", "attempt", "worker_start", "bus_garbage"),
    }
)
OWN_TABLES_WITHOUT_MERCHANT: Final[Mapping[str, frozenset[str]]] = {
    # Counters of the intake's lanes.
    "order_ingest": frozenset({"alembic_version", "intake_lane", "intake_mark"}),
    "loyalty": frozenset({"alembic_version"}),
    "segmentation": frozenset({"alembic_version"}),
    "messaging": frozenset({"alembic_version"}),
}


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


@EVERY_SERVICE
async def test_every_table_with_a_merchant_is_closed(running: Running, service: str) -> None:
    async with _connected(running, service, "owner") as owner:
        tables = await owner.fetch(_TABLES)

    with_merchant = {row["name"]: row for row in tables if row["merchant"]}
    without = {row["name"] for row in tables if not row["merchant"] and row["parent"] is None}
    open_ones = [name for name, row in with_merchant.items() if not (row["enabled"] and row["forced"])]
    unruled = [name for name, row in with_merchant.items() if row["parent"] is None and not row["ruled"]]

    assert without == BUS_TABLES | OWN_TABLES_WITHOUT_MERCHANT[service]
    assert open_ones == []
    assert unruled == []
    assert len(with_merchant) > 5


@EVERY_SERVICE
async def test_the_api_role_sees_one_merchant_or_nothing(running: Running, service: str) -> None:
    wrong, own = [], 0
    async with _connected(running, service, "api") as api:
        numbers = await _numbers(running, service)
        for table, is_child in await _readable(running, service):
            for setting, allowed in (
                (None, set()),
                ("", set()),
                ("999999", set()),
                (numbers["ours"], {numbers["ours"]}),
            ):
                seen = await _merchants_in(api, table, setting)
                own += bool(seen)
                if not seen <= (set() if is_child else allowed):
                    wrong.append(f"{table} with app.tenant {setting!r}: rows of {seen}")

    assert not wrong, "\n".join(wrong)
    assert own > 4  # or it would be no wonder that the others stay hidden


@EVERY_SERVICE
async def test_the_api_role_changes_no_other_merchants_rows(running: Running, service: str) -> None:
    wrong = []
    async with _connected(running, service, "api") as api:
        numbers = await _numbers(running, service)
        for table, _ in await _readable(running, service):
            for statement in (
                f'UPDATE "{table}" SET merchant_no = merchant_no WHERE merchant_no = {numbers["ours"]}',
                f'DELETE FROM "{table}" WHERE merchant_no = {numbers["ours"]}',
            ):
                if (done := await _tried(api, statement, tenant=numbers["theirs"])) not in ("UPDATE 0", "DELETE 0", ""):
                    wrong.append(f"{statement}: {done}")

    assert not wrong, "\n".join(wrong)


async def test_the_intake_role_reads_no_deliveries_and_nothing_of_orders(running: Running) -> None:
    async with _connected(running, "order_ingest", "owner") as owner:
        readable = await owner.fetch(_READABLE_BY, "order_ingest_intake")

    assert {row["name"] for row in readable} == {"merchant", "store", "store_secret", "webhook_dedupe", "intake_lane"}


async def test_no_role_bypasses_row_security_or_reaches_another_database(running: Running) -> None:
    admin = await asyncpg.connect(running.admin_url)
    try:
        roles = await admin.fetch("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname ~ $1", _ROLES)
        reach = await admin.fetch(_REACH, _ROLES)
    finally:
        await admin.close()

    assert len(roles) >= 3 * len(SERVICES) + 1
    assert not [row["rolname"] for row in roles if row["rolsuper"] or row["rolbypassrls"]]
    assert not [(row["rolname"], row["datname"]) for row in reach if not row["rolname"].startswith(row["datname"])]


@asynccontextmanager
async def _connected(running: Running, service: str, role: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(getattr(running.databases.services[service], role))
    try:
        yield connection
    finally:
        await connection.close()


async def _numbers(running: Running, service: str) -> dict[str, str]:
    """The local numbers of both merchants, as `app.tenant` takes them."""
    async with _connected(running, service, "owner") as owner:
        rows = {row["merchant_id"]: str(row["merchant_no"]) for row in await owner.fetch("SELECT * FROM merchant")}
    return {"ours": rows[running.ours.merchant_id], "theirs": rows[running.theirs.merchant_id]}


async def _readable(running: Running, service: str) -> list[tuple[str, bool]]:
    """Every table with a merchant, and whether it is a partition of another one."""
    async with _connected(running, service, "owner") as owner:
        rows = await owner.fetch(_TABLES)
    return [(row["name"], row["parent"] is not None) for row in rows if row["merchant"]]


async def _merchants_in(api: Any, table: str, setting: str | None) -> set[str]:
    """The merchants whose rows the role sees; none where the server refuses."""
    try:
        async with api.transaction():
            if setting is None:
                await api.execute("RESET app.tenant")
            else:
                await api.execute("SELECT set_config('app.tenant', $1, true)", setting)
            rows = await api.fetch(f'SELECT DISTINCT merchant_no FROM "{table}"')
    except asyncpg.PostgresError:
        return set()
    return {str(row["merchant_no"]) for row in rows}


async def _tried(api: Any, statement: str, *, tenant: str) -> str:
    """The command's tag, or nothing where the server refuses; whatever it did is undone."""
    transaction = api.transaction()
    await transaction.start()
    try:
        await api.execute("SELECT set_config('app.tenant', $1, true)", tenant)
        tag: str = await api.execute(statement)
    except asyncpg.PostgresError:
        return ""
    finally:
        await transaction.rollback()
    return tag


_TABLES: Final = """
SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced, i.inhparent AS parent,
    EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'merchant_no') AS merchant,
    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND EXISTS (
        SELECT 1 FROM pg_roles r WHERE r.oid = ANY (p.polroles) AND r.rolname LIKE '%\\_api')) AS ruled
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind IN ('r', 'p') ORDER BY 1
"""
_READABLE_BY: Final = """
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
WHERE c.relkind IN ('r', 'p') AND has_table_privilege($1, c.oid, 'SELECT')
"""
_ROLES: Final = "^(order_ingest|loyalty|segmentation|messaging)_(owner|api|worker|intake)$"
_REACH: Final = """
SELECT r.rolname, d.datname FROM pg_roles r CROSS JOIN pg_database d
WHERE r.rolname ~ $1 AND NOT d.datistemplate AND d.datname <> 'postgres'
AND has_database_privilege(r.rolname, d.datname, 'CONNECT')
"""
