"""`/v1/stores/{store_id}/access`: how a store's own API is asked; and `/pulls`, asking it now."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Response, Security
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.problems import Flaw, invalid, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.connect_store import Store
from services.order_ingest.domain.access import AccessForm, StoreAddress
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.shared import INSTANT, TheKit, ThePorts

router = APIRouter(prefix="/v1/stores", tags=["stores"])
Reader = Annotated[Principal, Security(authenticated, scopes=["stores:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["stores:write"])]
_LONGEST_SECRET: Final = 4000
_FURTHEST_BACK: Final = timedelta(days=60)


class NewAccess(BaseModel):
    """The platform's own secrets by name, and where the API is if not where the platform's stores usually have it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"secrets": {"access_token": "shpat_0123456789abcdef"}}]}
    )

    origin: str | None = Field(
        None,
        max_length=300,
        pattern=r"^https?://[A-Za-z0-9.\-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~\-/]*)?$",
        description="Scheme, host and perhaps a path in front of the API's own. https, except for hosts that the "
        "operator trusts.",
    )
    secrets: dict[str, SecretStr] = Field(
        max_length=8,
        description="shopify, shoplazza, magento, bigcommerce: access_token. woocommerce: consumer_key, "
        "consumer_secret. amazon: client_id, client_secret, refresh_token. taobao: app_key, app_secret, session.",
    )


class AccessOut(BaseModel):
    """How the store is asked, and how that went. Secrets go in and never come out again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "origin": None,
                    "pulled_until": INSTANT,
                    "pulling_since": None,
                    "orders": 128,
                    "last_success_at": INSTANT,
                    "last_failure_at": None,
                    "last_failure": None,
                    "updated_at": INSTANT,
                }
            ]
        }
    )

    origin: str | None
    pulled_until: datetime = Field(description="What changed at the store before is here.")
    pulling_since: datetime | None = Field(description="A pull is under way that began then.")
    orders: int = Field(description="Orders that the store gave so far, repeated ones too.")
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None
    updated_at: datetime


class NewPull(BaseModel):
    """Ask the store now, further back if `since` says so."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"since": None}]})

    since: AwareDatetime | None = Field(None, description="At most 60 days ago: older history is imported.")


@router.put("/{store_id}/access", summary="Let a store's own API be asked")
async def put_access(store_id: UUID, new: NewAccess, principal: Writer, kit: TheKit, ports: ThePorts) -> AccessOut:
    """The store is asked at once, and every 15 minutes from then on, for what its hooks may have missed."""
    now = kit.clock.now()
    secrets = {name: value.get_secret_value() for name, value in new.secrets.items()}
    async with kit.database.begin(principal.merchant) as uow:
        store = await _store(ports, uow, store_id)
        _check(_form(store), store, new.origin, secrets)
        await ports.accesses(uow).put(store_id, origin=new.origin, secrets=secrets, now=now)
        await _audit(
            uow, principal, "store.put_access", store_id, now, {"origin": new.origin, "secrets": sorted(secrets)}
        )
        return await _shown(ports, uow, store_id)


@router.get("/{store_id}/access", summary="Show how a store's own API is asked")
async def show_access(store_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> AccessOut:
    """How far the store was asked, and what went wrong the last time."""
    async with kit.database.read(principal.merchant) as uow:
        await _store(ports, uow, store_id)
        return await _shown(ports, uow, store_id)


@router.delete("/{store_id}/access", status_code=204, summary="Ask a store's own API no more")
async def delete_access(store_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts) -> Response:
    """Its secrets are forgotten; orders stay."""
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:
        if not await ports.accesses(uow).remove(store_id):
            raise not_found("access")
        await _audit(uow, principal, "store.delete_access", store_id, now, {})
    return Response(status_code=204)


@router.post("/{store_id}/pulls", status_code=202, summary="Ask a store's own API now")
async def create_pull(store_id: UUID, new: NewPull, principal: Writer, kit: TheKit, ports: ThePorts) -> AccessOut:
    """What comes back goes the way of every delivery: what is known already changes nothing."""
    now = kit.clock.now()
    if new.since is not None and not now - _FURTHEST_BACK <= new.since <= now:
        raise invalid("See errors.", [Flaw(pointer="/since", detail="must lie in the last 60 days")])
    async with kit.database.begin(principal.merchant) as uow:
        await _store(ports, uow, store_id)
        await _shown(ports, uow, store_id)
        await ports.accesses(uow).pull(store_id, since=new.since, now=now)
        await _audit(uow, principal, "store.pull", store_id, now, new.model_dump(mode="json"))
        return await _shown(ports, uow, store_id)


async def _store(ports: Ports, uow: UnitOfWork, store_id: UUID) -> Store:
    store = await ports.stores(uow).find(store_id)
    if store is None:
        raise not_found("store")
    return store


async def _shown(ports: Ports, uow: UnitOfWork, store_id: UUID) -> AccessOut:
    found = await ports.accesses(uow).shown(store_id)
    if found is None:
        raise not_found("access")
    return AccessOut.model_validate(found)


def _form(store: Store) -> AccessForm:
    form = platform(store.platform).access
    if form is None:
        raise invalid("See errors.", [Flaw(pointer="", detail=f"a {store.platform} store has no API to ask")])
    return form


def _check(form: AccessForm, store: Store, origin: str | None, secrets: Mapping[str, str]) -> None:
    flaws = []
    if set(secrets) != set(form.secrets):
        flaws.append(Flaw(pointer="/secrets", detail=f"must have exactly: {', '.join(form.secrets)}"))
    flaws += [
        Flaw(pointer=f"/secrets/{name}", detail="must be 1 to 4000 printable ASCII characters")
        for name, value in secrets.items()
        if name in form.secrets and not (0 < len(value) <= _LONGEST_SECRET and value.isascii() and value.isprintable())
    ]
    address = StoreAddress(account=store.account, site=store.site, domain=store.domain)
    if form.base_url(address, origin) is None:
        flaws.append(Flaw(pointer="/origin", detail="is needed, since the store has no domain"))
    if flaws:
        raise invalid("See errors.", flaws)


async def _audit(
    uow: UnitOfWork, principal: Principal, action: str, store_id: UUID, now: datetime, after: Mapping[str, Any]
) -> None:
    await audit.record(
        uow.connection,
        merchant_no=uow.merchant_no,
        actor=principal.subject,
        action=action,
        target=str(store_id),
        now=now,
        after=after,
    )
