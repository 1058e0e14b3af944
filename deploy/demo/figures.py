"""The demo's figures, all asked of the services over HTTP for one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table

from deploy.demo import tables
from deploy.demo.api import Api

Json = Mapping[str, Any]
TOP = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The answers as the services gave them."""

    repurchase: Json
    summary: Json
    rfm: Json
    top: Json
    members: Mapping[str, Json]
    segments: Json
    programme: Json
    proof: Json
    messages: Json


async def ask(apis: Mapping[str, Api], as_of: datetime) -> Figures:
    """What holds at the instant, from segmentation, loyalty and messaging."""
    segmentation, loyalty, messaging = apis["segmentation"], apis["loyalty"], apis["messaging"]
    at = as_of.isoformat()
    top = await segmentation.get("/v1/measures/top_customers", as_of=at, limit=TOP)
    programme_id = await programme(loyalty)
    return Figures(
        repurchase=await segmentation.get("/v1/measures/repurchase_rate", as_of=at),
        summary=await segmentation.get("/v1/measures/summary", as_of=at),
        rfm=await segmentation.get("/v1/measures/rfm", as_of=at),
        top=top,
        members={each["customer_id"]: await loyalty.get(f"/v1/members/{each['customer_id']}") for each in top["items"]},
        segments=await segmentation.get("/v1/segments", as_of=at),
        programme=await loyalty.get(f"/v1/programmes/{programme_id}/summary", as_of=at),
        proof=await loyalty.get("/v1/ledger/proof"),
        messages=await messaging.get("/v1/messages/summary"),
    )


async def programme(loyalty: Api) -> str:
    """The id of the merchant's programme."""
    found: str = (await loyalty.get("/v1/programmes"))["items"][0]["programme_id"]
    return found


def as_tables(figures: Figures) -> list[Table]:
    """All figures, in the order in which they tell the shop's story."""
    return [
        tables.repurchase(figures.repurchase),
        tables.customers(figures.summary),
        tables.rfm(figures.rfm),
        tables.top_customers(figures.top["items"], figures.members),
        tables.tiers(figures.programme),
        tables.points(figures.programme),
        tables.segments(figures.segments),
        tables.messages(figures.messages),
        tables.proof(figures.proof),
    ]
