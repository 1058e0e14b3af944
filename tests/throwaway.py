"""Databases that a test may spoil: cloned from a migrated template, dropped at the end of the run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg

from deploy.local.databases import ServiceUrls, Urls, provision
from libs.servicekit.migrations import migrate

PASSWORD = "test"


@dataclass
class Databases:
    """Makes databases on one server; roles are the installation's own, so grants are tested too."""

    admin_url: str
    _urls: Urls | None = None
    _suffix: str = field(default_factory=lambda: f"_t{uuid4().hex[:8]}")
    _migrated: set[str] = field(default_factory=set)
    _made: list[str] = field(default_factory=list)

    async def fresh(self, service: str) -> ServiceUrls:
        """URLs of a new database of `service`, at the newest revision, empty."""
        urls = (await self._provisioned()).services[service]
        if service not in self._migrated:
            await migrate(service, urls.owner)
            self._migrated.add(service)
        name = await self._clone(service + self._suffix, f"{service}_owner")
        return ServiceUrls(
            owner=_on(urls.owner, name),
            api=_on(urls.api, name),
            worker=_on(urls.worker, name),
            intake=_on(urls.intake, name) if urls.intake else None,
        )

    async def blank(self, owner: str = "loyalty_owner") -> str:
        """The superuser's URL of a new database without any table."""
        await self._provisioned()
        return _on(self.admin_url, await self._clone("template0", owner))

    async def open_to(self, admin_url: str, owner: str, users: Sequence[str]) -> None:
        """In the database of `admin_url`, `owner` may create and `users` may use what it creates."""
        to = ", ".join(users)
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(
                f'GRANT CONNECT ON DATABASE "{urlsplit(admin_url).path[1:]}" TO {owner}, {to};'
                f"GRANT ALL ON SCHEMA public TO {owner}; GRANT USAGE ON SCHEMA public TO {to};"
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {to};"
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {to};"
            )
        finally:
            await connection.close()

    async def fresh_bus(self) -> tuple[str, str]:
        """Owner's and client's URLs of a new bus database without any table."""
        urls = await self._provisioned()
        name = await self._clone("bus" + self._suffix, "bus_owner")
        return _on(urls.bus_owner, name), _on(urls.bus_client, name)

    async def drop_all(self) -> None:
        """Nothing that was made here is left on the server."""
        admin = await asyncpg.connect(self.admin_url)
        try:
            rows = await admin.fetch("SELECT datname FROM pg_database WHERE datname LIKE $1", f"%{self._suffix}%")
            for name in {*self._made, *(row["datname"] for row in rows)}:
                await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        finally:
            await admin.close()

    async def _provisioned(self) -> Urls:
        if self._urls is None:
            self._urls = await provision(self.admin_url, passwords=lambda _: PASSWORD, suffix=self._suffix)
        return self._urls

    async def _clone(self, template: str, owner: str) -> str:
        name = f"c{uuid4().hex[:12]}{self._suffix}"
        users = await self._users_of(template)
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute("SELECT pg_advisory_lock(hashtext('huitou.provision'))")
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER {owner}')
            await admin.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
            for user in users:
                await admin.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {user}')
        finally:
            await admin.close()
        self._made.append(name)
        return name

    async def _users_of(self, template: str) -> list[str]:
        admin = await asyncpg.connect(self.admin_url)
        try:
            rows = await admin.fetch(
                "SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper"
                " AND has_database_privilege(oid, $1, 'CONNECT')",
                template,
            )
        finally:
            await admin.close()
        return [row["rolname"] for row in rows]


def _on(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
