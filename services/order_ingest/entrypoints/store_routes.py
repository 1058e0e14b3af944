"""`/v1/stores`: connected accounts, and the secrets that they sign with."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response, Security
from fastapi.openapi.models import Example

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, optional_key
from libs.servicekit.identity import new_id, new_token
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import Flaw, conflict, invalid, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.connect_store import (
    Store,
    StoreExists,
    Stores,
    change_store,
    connect_store,
    rotate_credentials,
)
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.domain.subscribed import hook_path, hook_url
from services.order_ingest.entrypoints.platform_examples import EXAMPLE_STORES
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.shared import TheKit, ThePorts, after_id
from services.order_ingest.entrypoints.store_schemas import (
    CredentialOut,
    CredentialsOut,
    NewCredential,
    NewStore,
    StoreChange,
    StoreOut,
    check_secret,
)

router = APIRouter(prefix="/v1/stores", tags=["stores"])
Reader = Annotated[Principal, Security(authenticated, scopes=["stores:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["stores:write"])]
_EXAMPLES: Final[dict[str, Example]] = {
    platform: {"summary": platform, "value": dict(told)} for platform, told in EXAMPLE_STORES.items()
}
Connected = Annotated[NewStore, Body(openapi_examples=_EXAMPLES)]
OnceOnly = Annotated[Once, Depends(optional_key)]


@router.post("", status_code=201, summary="Connect a store", response_model=StoreOut)
async def create_store(new: Connected, principal: Writer, kit: TheKit, ports: ThePorts, once: OnceOnly) -> Response:
    """The answer names the address for the platform's webhooks; its last part is a secret of 128 bits."""
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            store = _made(new, now)
            await _connect(ports.stores(uow), uow, store, principal, new.secret)
            await audit.record(
                uow.connection,
                merchant_no=uow.merchant_no,
                actor=principal.subject,
                action="store.create",
                target=str(store.store_id),
                now=now,
                after=new.model_dump(mode="json", exclude={"secret"}),
            )
            return Answer(201, _out(store, ports), {"Location": f"/v1/stores/{store.store_id}"})

        return await once.run(uow, principal, run, now=now)


def _made(new: NewStore, now: datetime) -> Store:
    return Store(
        store_id=new_id(),
        endpoint_token=new_token(),
        version=1,
        created_at=now,
        updated_at=now,
        **new.model_dump(exclude={"secret"}),
    )


async def _connect(stores: Stores, uow: UnitOfWork, store: Store, principal: Principal, secret: str | None) -> None:
    try:
        await connect_store(stores, uow, store, merchant_id=principal.merchant, secret_id=new_id(), secret=secret)
    except StoreExists as error:
        raise conflict("store-exists", "This account on this platform and site is connected already.") from error


@router.get("", summary="List stores by id")
async def list_stores(
    principal: Reader, kit: TheKit, ports: ThePorts, limit: Limit = 50, cursor: Cursor = None
) -> Page[StoreOut]:
    """With the address of each hook; secrets are never shown."""
    after = after_id(cursor)
    async with kit.database.read(principal.merchant) as uow:
        stores = await ports.stores(uow).page(after=after, limit=limit + 1)
    return page_of(stores, limit=limit, shown=lambda one: _out(one, ports), position=lambda one: {"id": one.store_id})


@router.get("/{store_id}", summary="Show a store")
async def show_store(store_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> StoreOut:
    """With the address of its hook; the secret is never shown."""
    async with kit.database.read(principal.merchant) as uow:
        return _out(await _existing(ports.stores(uow), store_id), ports)


@router.patch("/{store_id}", summary="Change a store's description")
async def patch_store(store_id: UUID, change: StoreChange, principal: Writer, kit: TheKit, ports: ThePorts) -> StoreOut:
    """Return windows of orders told before stay as they were told."""
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:
        stores = ports.stores(uow)
        before = await _existing(stores, store_id)
        given = change.model_dump(exclude_unset=True, exclude_none=True)
        store = replace(before, **given, version=before.version + 1, updated_at=now)
        await change_store(stores, uow, store, merchant_id=principal.merchant)
        await audit.record(
            uow.connection,
            merchant_no=uow.merchant_no,
            actor=principal.subject,
            action="store.change",
            target=str(store_id),
            now=now,
            before=asdict(before),
            after=asdict(store),
        )
    return _out(store, ports)


@router.get("/{store_id}/credentials", summary="List a store's secrets, the newest first")
async def list_credentials(store_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> CredentialsOut:
    """Their lives only: a secret goes in and never comes out again."""
    async with kit.database.read(principal.merchant) as uow:
        stores = ports.stores(uow)
        await _existing(stores, store_id)
        secrets = await stores.secrets(store_id)
    return CredentialsOut(items=[CredentialOut.model_validate(each) for each in secrets])


@router.post(
    "/{store_id}/credentials", status_code=201, summary="Rotate a store's secret", response_model=CredentialsOut
)
async def rotate(
    store_id: UUID, new: NewCredential, principal: Writer, kit: TheKit, ports: ThePorts, once: OnceOnly
) -> Response:
    """Two secrets sign while the platform changes over; the hook knows of it within five seconds."""
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            stores = ports.stores(uow)
            store = await _existing(stores, store_id)
            _check(store, new)
            secrets = await rotate_credentials(
                stores, store, secret_id=new_id(), secret=new.secret, overlap=new.overlap, now=now
            )
            await audit.record(
                uow.connection,
                merchant_no=uow.merchant_no,
                actor=principal.subject,
                action="store.rotate_credentials",
                target=str(store_id),
                now=now,
            )
            return Answer(201, CredentialsOut(items=[CredentialOut.model_validate(each) for each in secrets]))

        return await once.run(uow, principal, run, now=now)


async def _existing(stores: Stores, store_id: UUID) -> Store:
    store = await stores.find(store_id)
    if store is None:
        raise not_found("store")
    return store


def _check(store: Store, new: NewCredential) -> None:
    try:
        check_secret(store.platform, new.secret)
    except ValueError as error:
        raise invalid("See errors.", [Flaw(pointer="/secret", detail=str(error))]) from error


def _out(store: Store, ports: Ports) -> StoreOut:
    has_hooks = platform(store.platform).has_hooks
    path = hook_path(store.platform, store.endpoint_token)
    address = hook_url(ports.public_url, path) if has_hooks else None
    return StoreOut.model_validate({**asdict(store), "hook_url": address})
