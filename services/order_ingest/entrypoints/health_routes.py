"""`/v1/stores/{store_id}/health`: whether a store's hook still speaks, and how its deliveries end."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Security
from pydantic import BaseModel, ConfigDict, Field

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.problems import not_found
from services.order_ingest.domain.silence import Habits, expected_until
from services.order_ingest.entrypoints.shared import ID, INSTANT, TheKit, ThePorts

router = APIRouter(prefix="/v1/stores", tags=["stores"])
Reader = Annotated[Principal, Security(authenticated, scopes=["stores:read"])]


class TopicOut(BaseModel):
    """What came under one topic in the last seven days; our own hook has none."""

    topic: str = Field(examples=["orders/create"])
    count: int
    last_at: datetime


class AskedOut(BaseModel):
    """How the store's own API answered; see `GET /v1/stores/{store_id}/access`."""

    pulled_until: datetime = Field(description="What changed at the store before is here.", examples=[INSTANT])
    last_failure_at: datetime | None
    last_failure: str | None = Field(examples=["status 401 of /admin/api/2026-04/orders.json"])


class HookOut(BaseModel):
    """One hook of the store at its platform, in the platform's own words."""

    topic: str = Field(examples=["order.created"])
    active: bool = Field(description="false: the platform has paused or disabled it, and sends nothing.")


class RestoredOut(BaseModel):
    """A hook that the platform had deleted and that was to be made anew (Shoplazza)."""

    topic: str = Field(examples=["orders/create"])
    at: datetime
    failure: str | None = Field(
        description="null: it was made. Else why not: tried again after a day, unless somebody took it away again.",
        examples=["status 422 of /openapi/2022-01/webhooks"],
    )


class SubscriptionsOut(BaseModel):
    """Which hooks with this store's `hook_url` the platform has, asked with each pull; one that it deleted is missing.

    Shopify tells neither of hooks made under Settings > Notifications nor of those in an app's configuration file.
    """

    asked_at: datetime
    failure: str | None = Field(description="Why it did not say.", examples=["status 401 of /wp-json/wc/v3/webhooks"])
    items: list[HookOut] | None = Field(description="By topic; null: it did not say.")
    restored: list[RestoredOut] = Field(description="The last time within seven days, by topic.")


class RefusedOut(BaseModel):
    """Requests to the store's hook that were refused and not stored."""

    reason: str = Field(examples=["signature"], description="signature (401), rate (429) or size (413).")
    count: int
    last_at: datetime


class HealthOut(BaseModel):
    """A store's deliveries. `silent`: nothing came for longer than `expected_until`; null: too few to say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "store_id": ID,
                    "disconnected_at": None,
                    "deliveries_7d": 5270,
                    "last_delivery_at": INSTANT,
                    "longest_pause_seconds": 21600,
                    "expected_until": INSTANT,
                    "silent": False,
                    "waiting_seconds": 0,
                    "states_24h": {"applied": 702, "no_news": 51, "parked": 1},
                    "topics_7d": [{"topic": "orders/create", "count": 2546, "last_at": INSTANT}],
                    "asked": {"pulled_until": INSTANT, "last_failure_at": None, "last_failure": None},
                    "subscriptions": {
                        "asked_at": INSTANT,
                        "failure": None,
                        "items": [{"topic": "orders/create", "active": True}],
                        "restored": [{"topic": "orders/create", "at": INSTANT, "failure": None}],
                    },
                    "fetches_24h": {"done": 31},
                    "refused_7d": [{"reason": "signature", "count": 12, "last_at": INSTANT}],
                }
            ]
        }
    )

    store_id: UUID
    disconnected_at: datetime | None = Field(description="The shop ended our access then; putting it again ends that.")
    deliveries_7d: int
    last_delivery_at: datetime | None
    longest_pause_seconds: int | None = Field(description="Of the last seven days, between two deliveries.")
    expected_until: datetime | None = Field(
        description="Twice the longest pause after the last delivery, an hour at least."
    )
    silent: bool | None
    waiting_seconds: int = Field(description="For how long the oldest delivery has waited to be read; 0: none does.")
    states_24h: dict[str, int] = Field(description="How the deliveries of the last day ended; received: not read yet.")
    topics_7d: list[TopicOut]
    asked: AskedOut | None = Field(description="null: the store's own API is not asked.")
    subscriptions: SubscriptionsOut | None = Field(
        description="null: never asked, or the platform has no hooks that it could be asked for."
    )
    fetches_24h: dict[str, int] = Field(
        description="Orders that thin hooks named and the store was asked for, by how the question ended: done, "
        "dropped (with another, or no access), pending, failed."
    )
    refused_7d: list[RefusedOut] = Field(
        description="By reason, today's and those of the six days before (UTC), as of a few seconds ago. Signatures: "
        "the secret here is not the one at the platform, or somebody else knows the address. Requests refused for "
        "their size or their sender's rate are counted only while the hook is in use."
    )


@router.get("/{store_id}/health", summary="Show how a store's hook fares")
async def show_health(store_id: UUID, principal: Reader, kit: TheKit, ports: ThePorts) -> HealthOut:
    """A platform may end a hook without a word: `silent` is the alarm for it. Empty `states_24h` is no proof of health.

    Parked deliveries are listed by `GET /v1/deliveries?state=parked`.
    """
    now = kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        if await ports.stores(uow).find(store_id) is None:
            raise not_found("store")
        found = await ports.screens(uow).store_health(store_id, now)
    habits = Habits(deliveries=found["deliveries"], last_at=found["last_at"], longest_pause=found["longest_pause"])
    until, waiting_since = expected_until(habits), found["waiting_since"]
    return HealthOut(
        store_id=store_id,
        disconnected_at=found["disconnected_at"],
        deliveries_7d=habits.deliveries,
        last_delivery_at=habits.last_at,
        longest_pause_seconds=_seconds(habits.longest_pause),
        expected_until=until,
        silent=None if until is None else now > until,
        waiting_seconds=_seconds(now - waiting_since) or 0 if waiting_since else 0,
        states_24h=found["states"],
        asked=found["asked"],
        subscriptions=found["subscriptions"],
        fetches_24h=found["fetches"],
        topics_7d=[TopicOut.model_validate(each) for each in found["topics"]],
        refused_7d=[RefusedOut.model_validate(each) for each in found["refused"]],
    )


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else int(span.total_seconds())
