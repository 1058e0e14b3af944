"""A merchant comes into being: everything else hangs on the fact that tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from libs.contracts.commerce import MerchantRegisteredV1
from libs.contracts.envelope import Said
from services.order_ingest.application.ports import Telling


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A tenant."""

    merchant_id: UUID
    name: str
    currency: str
    time_zone: str
    registered_at: datetime


class Merchants(Protocol):
    async def add(self, merchant: Merchant) -> None:
        """The merchant has a row, and with it a local number."""


async def register_merchant(merchants: Merchants, telling: Telling, merchant: Merchant) -> None:
    """The merchant exists, and every service will lay down its defaults for it."""
    await merchants.add(merchant)
    fact = MerchantRegisteredV1(
        merchant_id=merchant.merchant_id,
        name=merchant.name,
        currency=merchant.currency,
        time_zone=merchant.time_zone,
        registered_at=merchant.registered_at,
    )
    telling.say(Said(fact=fact, merchant_id=merchant.merchant_id, occurred_at=merchant.registered_at, key="registered"))
