"""Stores and credentials as HTTP shows them. A secret goes in and never comes out again."""

from datetime import datetime, timedelta
from typing import Final, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from libs.kernel.money import exponent
from services.order_ingest.domain.errors import BadSignature
from services.order_ingest.domain.platform_table import platform
from services.order_ingest.entrypoints.platform_examples import SHOPIFY_STORE
from services.order_ingest.entrypoints.shared import ID, INSTANT

_DESCRIPTION: Final = {name: value for name, value in SHOPIFY_STORE.items() if name != "secret"}


class NewStore(BaseModel):
    """One account on one platform and site."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [dict(SHOPIFY_STORE)]})

    platform: Literal["shopify", "shoplazza", "amazon", "taobao", "magento", "woocommerce", "bigcommerce", "standard"]
    account: str = Field(min_length=1, max_length=200, description="The account's name or number on the platform.")
    site: str = Field("", max_length=100, description="Country site or sub-shop; empty where there is only one.")
    domain: str | None = Field(
        None,
        max_length=253,
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Deliveries must name it. Required for shopify and shoplazza.",
    )
    name: str | None = Field(None, max_length=200)
    currency: str = Field(min_length=3, max_length=3, description="ISO 4217")
    time_zone: str = Field("UTC", description="IANA name; calendar days are counted in it.")
    locale: str | None = Field(None, max_length=35, pattern=r"^[A-Za-z0-9_-]+$")
    policy_pack: str | None = Field(None, max_length=100)
    return_window_days: int = Field(30, ge=0, le=3650)
    secret: str | None = Field(
        None,
        min_length=16,
        max_length=200,
        description="What the platform signs with; `whsec_` and base64 for standard; none without hooks.",
    )

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

    @model_validator(mode="after")
    def _fits_platform(self) -> Self:
        has_hooks = platform(self.platform).has_hooks
        if has_hooks != (self.secret is not None):
            raise ValueError(f"a {self.platform} store needs {'a' if has_hooks else 'no'} secret")
        if self.secret is not None:
            check_secret(self.platform, self.secret)
        if platform(self.platform).one_secret_for_all and self.domain is None:
            raise ValueError(
                f"a {self.platform} store needs its domain, since only it tells one shop's deliveries from another's"
            )
        return self


def check_secret(platform_name: str, secret: str) -> None:
    """The secret can sign on that platform.

    Raises:
        ValueError: it cannot.
    """
    try:
        key = platform(platform_name).key(secret)
    except BadSignature as error:
        raise ValueError(str(error)) from error
    if platform_name == "standard" and not 24 <= len(key) <= 64:
        raise ValueError("a Standard Webhooks secret has 24 to 64 bytes")


class StoreChange(BaseModel):
    """What may be changed of a store; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"return_window_days": 45}]})

    domain: str | None = Field(None, max_length=253, pattern=r"^[A-Za-z0-9.-]+$")
    name: str | None = Field(None, max_length=200)
    locale: str | None = Field(None, max_length=35, pattern=r"^[A-Za-z0-9_-]+$")
    policy_pack: str | None = Field(None, max_length=100)
    return_window_days: int | None = Field(None, ge=0, le=3650)


class StoreOut(BaseModel):
    """A store and the address that its platform posts to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "store_id": ID,
                    **_DESCRIPTION,
                    "hook_url": "http://127.0.0.1:8001/v1/hooks/shopify/q8Zc1vYQv0m3w2e8m4Yy6Q",
                    "version": 1,
                    "created_at": INSTANT,
                    "updated_at": INSTANT,
                }
            ]
        }
    )

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
    hook_url: str | None = Field(description="Where the platform posts its deliveries; null: it never calls.")
    version: int
    created_at: datetime
    updated_at: datetime


class NewCredential(BaseModel):
    """A new secret; the one before it goes on signing for `overlap`, older ones stop."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"secret": "shpss_fedcba9876543210", "overlap": "PT1H"}]}
    )

    secret: str = Field(min_length=16, max_length=200)
    overlap: timedelta = Field(timedelta(hours=1), ge=timedelta(), le=timedelta(days=30))


class CredentialOut(BaseModel):
    """A secret's life, without the secret."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"secret_id": ID, "created_at": INSTANT, "not_after": None}]},
    )

    secret_id: UUID
    created_at: datetime
    not_after: datetime | None = Field(description="It signs until then; null: no end is set.")


class CredentialsOut(BaseModel):
    """All secrets on record, the newest first."""

    items: list[CredentialOut]
