"""One merchant never sees or changes another's rows, whatever statement the API's role runs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest

from deploy.local.databases import SERVICES
from tests.running import Running

EVERY_SERVICE = pytest.mark.parametrize("service", SERVICES)

BUS_TABLES: Final = frozenset(
    {
        # What is said and heard, of all merchants in one sequence per lane; written and read by place or subject only.
        *("outbox", "outbox_lane", "outbox_cursor", "outbox_floor", "consumer_group_member", "source_identity"),
        *("inbox_lane", "parked_event", "attempt", "worker_start", "bus_garbage"),
        *("outbox_epoch", "inbox_trail", "halted_lane", "forgotten_event"),
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
