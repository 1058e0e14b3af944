"""Orders that thin hooks named, as effects: their stores will be asked for them."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Effect, request_effects
from services.order_ingest.application.workspace import Workspace

FETCH: Final = "store.fetch"


async def request_fetches(connection: AsyncConnection, workspace: Workspace, now: datetime) -> None:
    """Each store will be asked for the orders that its hooks named."""
    effects = []
    for cause_id, asked in workspace.asked.items():
        storefront = asked.storefront
        payload = {
            "store_no": storefront.store_no,
            "store_id": str(storefront.store_id),
            "external_id": asked.external_id,
        }
        effect_id = derived_id(cause_id, "fetch")
        effects.append(Effect(storefront.merchant_no, effect_id, FETCH, str(cause_id), payload))
    await request_effects(connection, effects, now)
