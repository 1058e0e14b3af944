"""Stores: one account on one platform and site, connected, changed, and told to everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from libs.contracts.commerce import StoreUpsertedV1
from libs.contracts.envelope import Said
from services.order_ingest.application.ports import Telling

MOST_ACTIVE_SECRETS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store as its merchant sees it; `endpoint_token` is the last part of its hook's address."""

    store_id: UUID
    platform: str
    account: str
    site: str
    domain: str | None
    name: str | None
    currency: str
    time_zone: str
    locale: str | None
    policy_pack: str | None
    return_window_days: int
    endpoint_token: str
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret's life; its value leaves the vault only to check a signature."""

    secret_id: UUID
    created_at: datetime
    not_after: datetime | None


class Stores(Protocol):
    """Stores of the transaction's merchant."""

    async def add(self, store: Store) -> None:
        """The store has a row. Raises: StoreExists."""

    async def find(self, store_id: UUID) -> Store | None: ...

    async def change(self, store: Store) -> None:
        """The store's description is as given."""

    async def add_secret(self, store_id: UUID, *, secret_id: UUID, secret: str, now: datetime) -> None: ...

    async def secrets(self, store_id: UUID) -> Sequence[Credential]:
        """All secrets on record, the newest first."""

    async def end_secret(self, store_id: UUID, secret_id: UUID, not_after: datetime) -> None:
        """The secret signs until then, or until the end that it already had, whichever is earlier."""


class StoreExists(Exception):
    """The merchant has this account on this platform and site already."""


async def connect_store(
    stores: Stores, telling: Telling, store: Store, *, merchant_id: UUID, secret_id: UUID, secret: str | None
) -> None:
    """The store can receive deliveries signed with `secret`; without one it has no hooks.

    Raises:
        StoreExists: it is connected already.
    """
    await stores.add(store)
    if secret is not None:
        await stores.add_secret(store.store_id, secret_id=secret_id, secret=secret, now=store.created_at)
    _tell(telling, store, merchant_id)


async def change_store(stores: Stores, telling: Telling, store: Store, *, merchant_id: UUID) -> None:
    """The store is as described, and everybody will know."""
    await stores.change(store)
    _tell(telling, store, merchant_id)


async def rotate_credentials(
    stores: Stores, store: Store, *, secret_id: UUID, secret: str, overlap: timedelta, now: datetime
) -> Sequence[Credential]:
    """`secret` signs from now on; the one before it only until `overlap` has passed, older ones no more."""
    active = [each for each in await stores.secrets(store.store_id) if each.not_after is None or each.not_after > now]
    for place, credential in enumerate(active):
        still = overlap if place < MOST_ACTIVE_SECRETS - 1 else timedelta()
        await stores.end_secret(store.store_id, credential.secret_id, now + still)
    await stores.add_secret(store.store_id, secret_id=secret_id, secret=secret, now=now)
    return await stores.secrets(store.store_id)


def _tell(telling: Telling, store: Store, merchant_id: UUID) -> None:
    fact = StoreUpsertedV1(
        store_id=store.store_id,
        platform=store.platform,
        account=store.account,
        site=store.site or None,
        domain=store.domain,
        name=store.name,
        currency=store.currency,
        time_zone=store.time_zone,
        locale=store.locale,
        policy_pack=store.policy_pack,
        return_window_days=store.return_window_days,
        version=store.version,
        at=store.updated_at,
    )
    key = f"{store.store_id}/{store.version}"
    telling.say(Said(fact=fact, merchant_id=merchant_id, occurred_at=store.updated_at, key=key))
