"""How stores' APIs are reached, as the worker that asks them needs it: many merchants' stores at once."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from services.order_ingest.application.store_apis import Access
from services.order_ingest.domain.access import StoreAddress
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.domain.subscribed import hook_path

_BY_NUMBER: Final = text(
    """
    SELECT a.store_no, a.merchant_no, a.origin, a.secrets_enc, s.store_id, s.platform, s.account, s.site, s.domain,
           s.currency, s.endpoint_token
    FROM store_access a JOIN store s USING (store_no) WHERE a.store_no = ANY (CAST(:numbers AS int4[]))
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reachable:
    """A store whose API can be asked."""

    store_no: int
    merchant_no: int
    store_id: UUID
    platform: str
    currency: str
    hook_path: str = field(repr=False)
    access: Access


async def reachable_stores(
    connection: AsyncConnection, numbers: Collection[int], vault: Vault
) -> Mapping[int, Reachable]:
    """The stores among these local numbers whose API can be asked (worker role)."""
    if not numbers:
        return {}
    rows = await connection.execute(_BY_NUMBER, {"numbers": sorted(numbers)})
    return {row.store_no: found for row in rows if (found := _reachable(row, vault)) is not None}


def _reachable(row: Row[Any], vault: Vault) -> Reachable | None:
    form = platform(row.platform).access
    address = StoreAddress(account=row.account, site=row.site, domain=row.domain)
    base_url = form.base_url(address, row.origin) if form else None
    if base_url is None:
        return None
    secrets = json.loads(vault.decrypt(row.secrets_enc, access_place(row.merchant_no, row.store_id)))
    access = Access(base_url=base_url, account=row.account, site=row.site, credentials=secrets)
    return Reachable(
        store_no=row.store_no,
        merchant_no=row.merchant_no,
        store_id=row.store_id,
        platform=row.platform,
        currency=row.currency,
        hook_path=hook_path(row.platform, row.endpoint_token),
        access=access,
    )


def access_place(merchant_no: int, store_id: UUID) -> str:
    """What a store's secrets are bound to."""
    return f"{merchant_no}|store_access|secrets|{store_id}"
