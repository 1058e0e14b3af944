"""The whole product running once for all the tests that need it, with two tenants in it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from deploy.local.databases import Urls
from deploy.local.keys import Keys, load_keys
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token
from deploy.local.stack import Stack
from tests.asking import client_of
from tests.seeding import Tenant, new_tenant

_SETTINGS: Final = {"HOOK_BURST": "1000000", "REQUESTS_PER_SECOND": "10000", "REQUESTS_BURST": "100000"}


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses, keys and tenants of the running product."""

    urls: Mapping[str, str]
    databases: Urls
    admin_url: str
    secrets: Path
    logs: Path
    ours: Tenant
    theirs: Tenant

    @property
    def keys(self) -> Keys:
        return load_keys(self.secrets)

    def token(self, tenant: Tenant | None, scopes: Iterable[str] | None = None) -> str:
        """A token of the tenant with all of a merchant's scopes and the operator's, or of the platform."""
        usual = (*MERCHANT_SCOPES, "ops:*") if tenant else ADMIN_SCOPES
        merchant = tenant.merchant_id if tenant else None
        return local_token(self.keys, merchant=merchant, scopes=usual if scopes is None else scopes)

    def client(self, service: str, token: str | None = None) -> httpx.AsyncClient:
        """An HTTP client of one service; without a token nobody in particular."""
        return client_of(self.urls[service], token)


@asynccontextmanager
async def running_system() -> AsyncIterator[Running]:
    """A new stack on free ports with two tenants; it is gone with all its data when the block ends."""
    async with Stack(settings=_SETTINGS) as stack:
        ours, theirs = await asyncio.gather(new_tenant(stack, "ours", 0), new_tenant(stack, "theirs", 100))
        folders = stack.folders
        yield Running(stack.urls, stack.databases, stack.admin_url, folders.secrets, folders.logs, ours, theirs)
