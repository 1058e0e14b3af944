"""Where a benchmark runs: a PostgreSQL server that waits for its disk, with throw-away databases on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from deploy.local.postgres import start_server
from tests.throwaway import Databases


@dataclass(frozen=True, slots=True)
class Grounds:
    """A server of our own; `postmaster` is its process."""

    databases: Databases
    admin_url: str
    postmaster: int

    def superuser(self, url: str) -> str:
        """The superuser's URL of the same database."""
        return urlsplit(self.admin_url)._replace(path=urlsplit(url).path).geturl()


@asynccontextmanager
async def grounds() -> AsyncIterator[Grounds]:
    """The stack's kind of server, fsync on, gone with its data when the block ends."""
    with start_server() as server:
        yield Grounds(Databases(server.admin_url), server.admin_url, server.pid)
