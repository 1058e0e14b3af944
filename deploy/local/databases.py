"""Roles, databases and grants: one database per service and one for the bus, none reaching into another."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

SERVICES = ("order_ingest", "loyalty", "segmentation", "messaging")
BUS = "bus"
_ROLES = ("owner", "api", "worker")
_EXTRA_ROLES: Mapping[str, tuple[str, ...]] = {"order_ingest": ("intake",)}
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_BUS_ROLES = ("bus_owner", "bus_client")

Passwords = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """Where one service's processes connect, a URL per role."""

    owner: str
    api: str
    worker: str
    intake: str | None = None


@dataclass(frozen=True, slots=True)
class Urls:
    """All connection URLs of one installation."""

    services: Mapping[str, ServiceUrls]
    bus_owner: str
    bus_client: str


def role_names() -> tuple[str, ...]:
    """Every database role of an installation, the superuser apart."""
    own = (f"{service}_{role}" for service in SERVICES for role in (*_ROLES, *_EXTRA_ROLES.get(service, ())))
    return (*own, *_BUS_ROLES)


async def provision(admin_url: str, *, passwords: Passwords, suffix: str = "") -> Urls:
    """Every role and database exists with exactly its grants; running it again changes nothing but passwords.

    `admin_url` is a superuser's `postgresql://` URL. `passwords` gives the password of a role. `suffix` is
    appended to database names, so that a test can have databases of its own beside others (roles are shared).

    Raises:
        asyncpg.PostgresError: the server refused (not a superuser, connection lost).
    """
    admin = await asyncpg.connect(admin_url)
    try:
        # Two set-ups at once on one server would fail on the same catalogue rows.
        await admin.execute("SELECT pg_advisory_lock(hashtext('huitou.provision'))")
        services = {name: await _provision_service(admin, admin_url, name, suffix, passwords) for name in SERVICES}
        bus_owner, bus_client = await _provision_bus(admin, admin_url, suffix, passwords)
    finally:
        await admin.close()
    return Urls(services=services, bus_owner=bus_owner, bus_client=bus_client)


async def _provision_service(
    admin: asyncpg.Connection, admin_url: str, name: str, suffix: str, passwords: Passwords
) -> ServiceUrls:
    roles = [*_ROLES, *_EXTRA_ROLES.get(name, ())]
    for role in roles:
        await _ensure_role(admin, f"{name}_{role}", passwords(f"{name}_{role}"))
    database = name + suffix
    await _ensure_database(admin, database, f"{name}_owner", [f"{name}_{role}" for role in roles])
    await _grant_inside(admin_url, database, owner=f"{name}_owner", users=[f"{name}_api", f"{name}_worker"])
    await _grant_usage(admin_url, database, [f"{name}_{role}" for role in roles])
    urls = {role: _url(admin_url, database, f"{name}_{role}", passwords(f"{name}_{role}")) for role in roles}
    return ServiceUrls(**urls)


async def _provision_bus(
    admin: asyncpg.Connection, admin_url: str, suffix: str, passwords: Passwords
) -> tuple[str, str]:
    database = BUS + suffix
    for role in _BUS_ROLES:
        await _ensure_role(admin, role, passwords(role))
    await _ensure_database(admin, database, "bus_owner", list(_BUS_ROLES))
    await _grant_inside(admin_url, database, owner="bus_owner", users=["bus_client"])
    await _grant_usage(admin_url, database, list(_BUS_ROLES))
    owner, client = (_url(admin_url, database, role, passwords(role)) for role in _BUS_ROLES)
    return owner, client


async def _ensure_role(admin: asyncpg.Connection, role: str, password: str) -> None:
    if not _PLAIN.fullmatch(password):
        raise ValueError(f"the password of {role} may hold letters, digits, '-' and '_' only")
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
        await admin.execute(f"CREATE ROLE {role}")
    await admin.execute(
        f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD '{password}'"
    )


async def _ensure_database(admin: asyncpg.Connection, database: str, owner: str, users: list[str]) -> None:
    if not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await admin.execute(f'CREATE DATABASE "{database}" OWNER {owner}')
    await admin.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')
    await admin.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {", ".join(users)}')


async def _grant_inside(admin_url: str, database: str, *, owner: str, users: list[str]) -> None:
    to = ", ".join(users)
    connection = await asyncpg.connect(_with_database(admin_url, database))
    try:
        await connection.execute(
            f"""
            REVOKE ALL ON SCHEMA public FROM PUBLIC;
            GRANT ALL ON SCHEMA public TO {owner};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public
                GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {to};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {to};
            ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {to};
            """
        )
    finally:
        await connection.close()


async def _grant_usage(admin_url: str, database: str, users: list[str]) -> None:
    connection = await asyncpg.connect(_with_database(admin_url, database))
    try:
        await connection.execute(f"GRANT USAGE ON SCHEMA public TO {', '.join(users)}")
    finally:
        await connection.close()


def _with_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _url(admin_url: str, database: str, user: str, password: str) -> str:
    parts = urlsplit(admin_url)
    host = f"{parts.hostname or '127.0.0.1'}:{parts.port or 5432}"
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password)}@{host}", path=f"/{database}"))
