"""`/v1/customers`: found by what they are called; `/v1/products` beside them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Security
from pydantic import BaseModel, ConfigDict, Field

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.pagination import Cursor, Limit, Page, page_of
from libs.servicekit.problems import Flaw, invalid, not_found
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.shared import ID, INSTANT, Microseconds, TheKit, ThePorts, after_id, after_time

router = APIRouter(prefix="/v1", tags=["customers"])
Reader = Annotated[Principal, Security(authenticated, scopes=["customers:read"])]
ProductReader = Annotated[Principal, Security(authenticated, scopes=["products:read"])]


class ConsentOut(BaseModel):
    """What the shop last told about one channel; messaging decides what holds."""

    channel: str = Field(examples=["email"])
    topic: str = Field(examples=["marketing"])
    state: str = Field(examples=["subscribed"])
    at_us: Microseconds = Field(serialization_alias="at")


class CustomerOut(BaseModel):
    """A customer as the shop describes them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "customer_id": ID,
                    "store_id": ID,
                    "anonymous": False,
                    "identity_version": 1,
                    "email": "ann@example.com",
                    "phone": "+12125550123",
                    "given_name": "Ann",
                    "family_name": "Smith",
                    "locale": "en-US",
                    "time_zone": None,
                    "birth_on": None,
                    "accepts_marketing": True,
                    "platform_tags": ["VIP"],
                    "consents": [{"channel": "email", "topic": "marketing", "state": "subscribed", "at": INSTANT}],
                    "registered_at": INSTANT,
                    "erased_at": None,
                    "updated_at": INSTANT,
                }
            ]
        }
    )

    customer_id: UUID
    store_id: UUID
    anonymous: bool
    identity_version: int
    email: str | None = None
    phone: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_on: date | None = None
    accepts_marketing: bool | None = None
    platform_tags: list[str] = Field([], description="What the shops' staff call the customer; by their letters.")
    consents: list[ConsentOut] = []
    registered_at: datetime
    erased_at: datetime | None = Field(None, description="Who was forgotten is found by this id only.")
    updated_at: datetime


class IdentityOut(BaseModel):
    """A key that finds the customer: `value` is a platform's id, or the keyed hash of an address."""

    kind: str = Field(examples=["platform"])
    value: str = Field(examples=["C-9"])
    store_id: UUID | None


class AbsorbedOut(BaseModel):
    """A customer whose life ended in this one."""

    customer_id: UUID
    identity_version: int


class IdentitiesOut(BaseModel):
    """All keys, and everybody who was merged into the customer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [{"kind": "platform", "value": "C-9", "store_id": ID}], "absorbed": []}]
        }
    )

    items: list[IdentityOut]
    absorbed: list[AbsorbedOut]


class ProductOut(BaseModel):
    """A product as it describes itself, or as order lines do while it does not."""

    product_id: UUID
    store_id: UUID
    external_id: str = Field(examples=["P-7"])
    title: str = Field(examples=["Mug"])
    brand: str | None = Field(examples=["Acme"])
    category_path: list[str] = Field(examples=[["Kitchen", "Mugs"]])
    material: str | None = Field(examples=["stoneware"])
    category_type: str | None = Field(examples=["durable"])
    units: int | None = Field(examples=[1])
    daily_use: Decimal | None = Field(examples=["0.02"], description="How much of one piece a day takes.")
    care_tips: list[str] = Field(examples=[["Dishwasher safe"]])
    price_minor: int | None = Field(examples=[1999])
    updated_at: datetime


@router.get("/customers", summary="Find or list customers, the newest first")
async def list_customers(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    external_id: Annotated[str | None, Query(max_length=128, description="The id on the platform.")] = None,
    email: Annotated[str | None, Query(max_length=320)] = None,
    phone: Annotated[str | None, Query(max_length=40, description="E.164")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CustomerOut]:
    """At most one of `external_id`, `email`, `phone`; addresses are compared as keyed hashes."""
    key = _key(principal.merchant, ports, external_id=external_id, email=email, phone=phone)
    after = after_time(cursor)
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.screens(uow).customers(key, after, limit + 1)
    return page_of(
        rows,
        limit=limit,
        shown=CustomerOut.model_validate,
        position=lambda row: {"at": row["registered_at"], "id": row["customer_id"]},
    )


def _key(
    merchant_id: UUID, ports: Ports, *, external_id: str | None, email: str | None, phone: str | None
) -> Key | None:
    given = [name for name, value in (("external_id", external_id), ("email", email), ("phone", phone)) if value]
    if len(given) > 1:
        raise invalid("See errors.", [Flaw(pointer=f"/query/{given[1]}", detail=f"not together with {given[0]}")])
    if external_id:
        return Key(Strength.PLATFORM, 0, external_id)
    if email:
        return Key(Strength.EMAIL, 0, ports.seals.blind_index(merchant_id, "email", _address(ports, email)))
    if phone:
        return Key(Strength.PHONE, 0, ports.seals.blind_index(merchant_id, "phone", _number(ports, phone)))
    return None


def _address(ports: Ports, raw: str) -> str:
    found = ports.addresses.email(raw)
    if found is None:
        raise invalid("See errors.", [Flaw(pointer="/query/email", detail="is no e-mail address")])
    return found


def _number(ports: Ports, raw: str) -> str:
    found = ports.addresses.phone(raw, None)
    if found is None:
        raise invalid("See errors.", [Flaw(pointer="/query/phone", detail="is no phone number in E.164")])
    return found


@router.get("/customers/{customer_id}", summary="Show a customer")
async def show_customer(customer_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> CustomerOut:
    """The id of a customer who was merged leads to the survivor."""
    async with kit.database.read(principal.merchant) as uow:
        return CustomerOut.model_validate(_found(await ports.screens(uow).customer(customer_id)))


@router.get("/customers/{customer_id}/identities", summary="Show by what a customer is known")
async def show_identities(customer_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> IdentitiesOut:
    """The keys that lead to the customer, and everybody who was merged into them."""
    async with kit.database.read(principal.merchant) as uow:
        screens = ports.screens(uow)
        living = _found(await screens.customer(customer_id))["customer_id"]
        keys, absorbed = await screens.identities(living), await screens.absorbed(living)
    return IdentitiesOut(
        items=[IdentityOut(**{**row, "kind": Strength(row["strength"]).name.lower()}) for row in keys],
        absorbed=[AbsorbedOut.model_validate(row) for row in absorbed],
    )


def _found(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise not_found("customer")
    return row


@router.get("/products", summary="List products by id", tags=["products"])
async def list_products(
    principal: ProductReader,
    kit: TheKit,
    ports: ThePorts,
    external_id: Annotated[str | None, Query(max_length=128)] = None,
    store_id: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ProductOut]:
    """Every product that was told or that an order line has named, as it describes itself, else as the newest line."""
    after = after_id(cursor)
    async with kit.database.read(principal.merchant) as uow:
        filters = {"external_id": external_id, "store_id": store_id}
        rows = await ports.screens(uow).products(filters, after, limit + 1)
    return page_of(rows, limit=limit, shown=ProductOut.model_validate, position=lambda row: {"id": row["product_id"]})
