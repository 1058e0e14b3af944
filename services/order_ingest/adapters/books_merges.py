"""What an absorbed customer owned in the books goes to the survivor: orders and keys."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import sql, unnest
from services.order_ingest.application.workspace import Workspace

_COLUMNS = {"merchant_no": "int4", "absorbed": "uuid", "survivor": "uuid"}
_MOVE_ORDERS = sql(
    """
    UPDATE customer_order o SET customer_id = x.survivor FROM {rows}
    WHERE o.customer_id = x.absorbed AND o.merchant_no + 0 = x.merchant_no
    """,
    rows=unnest(_COLUMNS),
)
_MOVE_KEYS = sql(
    """
    UPDATE identity i SET customer_id = x.survivor FROM {rows}
    WHERE (i.merchant_no, i.customer_id) = (x.merchant_no, x.absorbed)
    """,
    rows=unnest(_COLUMNS),
)


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
