"""Ends of return windows as due rows: a note per order to look again when its window closes."""

from datetime import datetime
from typing import Final

from libs.eventbus.writes import Writes
from libs.servicekit.timers import Due, add_notes
from services.order_ingest.application.workspace import Workspace

COMPLETION: Final = "completion"


def plan_completions(writes: Writes, workspace: Workspace, now: datetime) -> None:
    """Every window that is new or moved is noted with the writes, if it is still open.

    One that had closed before we first heard of its order is not: nobody was waiting for it, and a history of years
    would tell one more fact per order.
    """
    rows = []
    for order_id, ends_at in workspace.windows.items():
        if ends_at is not None and ends_at > now:
            storefront, external_id = workspace.order_stores[order_id], workspace.orders[order_id].external_id
            payload = {"store_no": storefront.store_no, "external_id": external_id}
            rows.append(Due(storefront.merchant_no, COMPLETION, str(order_id), ends_at, payload))
    add_notes(writes, rows)
