"""`/v1/merchants`: the platform's own resource."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends, Response, Security
from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.kernel.money import exponent
from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, optional_key
from libs.servicekit.identity import new_id
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from services.order_ingest.application.register_merchant import Merchant, register_merchant
from services.order_ingest.entrypoints.shared import ID, INSTANT, TheKit, ThePorts, after_id

router = APIRouter(prefix="/v1/merchants", tags=["merchants"])
Platform = Annotated[Principal, Security(authenticated, scopes=["platform"])]

_EXAMPLE: Final[dict[str, Any]] = {"name": "Acme Mugs", "currency": "USD", "time_zone": "America/New_York"}


class NewMerchant(BaseModel):
    """A tenant to be."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: str = Field(min_length=1, max_length=200)
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217")
    time_zone: str = Field("UTC", description="IANA name")

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, value: str) -> str:
        exponent(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("not a time zone's IANA name")
        return value


class MerchantOut(BaseModel):
    """A tenant."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"merchant_id": ID, **_EXAMPLE, "registered_at": INSTANT}]},
    )

    merchant_id: UUID
    name: str
    currency: str
    time_zone: str
    registered_at: datetime


@router.post("", status_code=201, summary="Register a merchant", response_model=MerchantOut)
async def create_merchant(
    new: NewMerchant, principal: Platform, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(optional_key)]
) -> Response:
    """Every service lays down working defaults for the new merchant: a programme, tiers, templates, caps."""
    now = kit.clock.now()

    async with kit.database.begin_platform() as uow:

        async def run() -> Answer:
            merchant = Merchant(merchant_id=new_id(), registered_at=now, **new.model_dump())
            await register_merchant(ports.merchants(uow), uow, merchant)
            out = MerchantOut.model_validate(merchant)
            await audit.record(
                uow.connection,
                merchant_no=None,
                actor=principal.subject,
                action="merchant.create",
                target=str(merchant.merchant_id),
                now=now,
                after=out.model_dump(mode="json"),
            )
            return Answer(201, out, {"Location": f"/v1/merchants/{merchant.merchant_id}"})

        return await once.run(uow, principal, run, now=now)


@router.get("", summary="List merchants by id")
async def list_merchants(
    principal: Platform, kit: TheKit, ports: ThePorts, limit: Limit = 50, cursor: Cursor = None
) -> Page[MerchantOut]:
    """All tenants of this installation; the names are all that the platform sees of them."""
    after = after_id(cursor)
    async with kit.database.begin_platform() as uow:
        merchants = await ports.merchants(uow).page(after=after, limit=limit + 1)
    return page_of(
        merchants, limit=limit, shown=MerchantOut.model_validate, position=lambda one: {"id": one.merchant_id}
    )
