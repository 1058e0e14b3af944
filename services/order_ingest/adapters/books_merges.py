"""What an absorbed customer owned in the books goes to the survivor, and comes back: orders and keys."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.parting import lives_of
from services.order_ingest.domain.people import People
from services.order_ingest.domain.persons import UnmergeAsked

_COLUMNS = {"merchant_no": "int4", "absorbed": "uuid", "survivor": "uuid"}
_MOVE_ORDERS = sql(
    """
    UPDATE customer_order o SET customer_id = x.survivor, origin_id = coalesce(o.origin_id, x.absorbed) FROM {rows}
    WHERE o.customer_id = x.absorbed AND o.merchant_no + 0 = x.merchant_no
    """,
    rows=unnest(_COLUMNS),
)
_MOVE_KEYS = sql(
    """
    UPDATE identity i SET customer_id = x.survivor, origin_id = coalesce(i.origin_id, x.absorbed) FROM {rows}
    WHERE (i.merchant_no, i.customer_id) = (x.merchant_no, x.absorbed)
    """,
    rows=unnest(_COLUMNS),
)
_LIVES = {"merchant_no": "int4", "survivor": "uuid", "life": "uuid", "restored": "uuid"}
_ORDERS_OF_LIVES = sql(
    """
    SELECT x.restored, o.order_id FROM {rows}
    CROSS JOIN LATERAL (SELECT order_id FROM customer_order o WHERE o.customer_id = x.survivor
        AND o.origin_id = x.life AND o.merchant_no + 0 = x.merchant_no OFFSET 0) o ORDER BY o.order_id
    """,
    rows=unnest(_LIVES),
)
_RETURN_ORDERS = sql(
    """
    UPDATE customer_order o SET customer_id = x.restored, origin_id = nullif(o.origin_id, x.restored) FROM {rows}
    WHERE o.customer_id = x.survivor AND o.origin_id = x.life AND o.merchant_no + 0 = x.merchant_no
    """,
    rows=unnest(_LIVES),
)
_RETURN_KEYS = sql(
    """
    UPDATE identity i SET customer_id = x.restored, origin_id = nullif(i.origin_id, x.restored) FROM {rows}
    WHERE i.customer_id = x.survivor AND i.origin_id = x.life AND i.merchant_no + 0 = x.merchant_no
    """,
    rows=unnest(_LIVES),
)


async def load_orders_of_lives(
    connection: AsyncConnection, entries: Sequence[Entry], people: Mapping[int, People]
) -> Mapping[UUID, tuple[UUID, ...]]:
    """By customer who may be restored: the orders that would be theirs again."""
    asked = [
        (entry.storefront.merchant_no, entry.change.customer_id)
        for entry in entries
        if isinstance(entry.change, UnmergeAsked)
    ]
    rows = [row for merchant_no, id_ in asked for row in _lives(merchant_no, people[merchant_no], id_)]
    found: dict[UUID, tuple[UUID, ...]] = {}
    if rows:
        for row in await connection.execute(_ORDERS_OF_LIVES, by_column(rows, _LIVES)):
            found[row.restored] = (*found.get(row.restored, ()), row.order_id)
    return found


def _lives(merchant_no: int, people: People, restored: UUID) -> Sequence[Mapping[str, Any]]:
    if restored not in people.customers:
        return []
    survivor = people.resolve(restored)
    return [_row(merchant_no, survivor, life, restored) for life in sorted(lives_of(people, restored))]


def _row(merchant_no: int, survivor: UUID, life: UUID, restored: UUID) -> Mapping[str, Any]:
    return {"merchant_no": merchant_no, "survivor": survivor, "life": life, "restored": restored}


async def return_to_restored(connection: AsyncConnection, workspace: Workspace) -> None:
    """Orders and keys of customers who live again are theirs."""
    rows = [
        _row(merchant_no, parted.survivor.customer_id, life, parted.restored.customer_id)
        for merchant_no, parted in workspace.unmerged
        for life in sorted(parted.lives)
    ]
    if rows:
        columns = by_column(rows, _LIVES)
        await connection.execute(_RETURN_ORDERS, columns)
        await connection.execute(_RETURN_KEYS, columns)


async def move_to_survivors(connection: AsyncConnection, workspace: Workspace) -> None:
    """Stored orders and keys name living customers again; what the batch itself adds is resolved as it is written."""
    moved = [
        (merchant_no, customer_id, people.resolve(customer_id))
        for merchant_no, people in workspace.people.items()
        for customer_id in sorted(people.touched & workspace.stored_customers)
        if people.customers[customer_id].merged_into is not None
    ]
    if moved:
        columns = dict(zip(_COLUMNS, map(list, zip(*moved, strict=True)), strict=True))
        await connection.execute(_MOVE_ORDERS, columns)
        await connection.execute(_MOVE_KEYS, columns)
