"""A batch's workspace, stored with a constant number of statements: only what changed, rows in key order.

What an absorbed customer had stored moves first, set-based, so that what follows meets the survivor's rows. Then
orders, refunds, months, customers, timeline and stays. A row that somebody else inserted since it was looked for is
a lost race: the batch is done again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.errors import TransientFailure
from services.segmentation.adapters import columns, order_columns, store_sql
from services.segmentation.application.workspace import Shop
from services.segmentation.domain.months import with_month
from services.segmentation.domain.order import Order, Refund
from services.segmentation.domain.profile import Customer
from services.segmentation.domain.segment import Stay
from services.segmentation.domain.timeline import KEPT_OF_THE_ERASED

Shops = Sequence[Shop]


async def store_shops(connection: AsyncConnection, shops: Shops) -> None:
    """Everything that the batch changed stands in the tables.

    Raises: TransientFailure when a row was inserted by another transaction meanwhile.
    """
    await _store_merchants(connection, shops)
    moved = await _move_absorbed(connection, shops)
    await _store_orders(connection, shops)
    months = await _store_months(connection, shops)
    await _store_customers(connection, shops, [*moved, *months])
    await _store_timeline(connection, shops)
    await _clear_erased(connection, shops)
    await _store_stays(connection, shops)


async def _store_merchants(connection: AsyncConnection, shops: Shops) -> None:
    registered = [(shop, shop.registration) for shop in shops if shop.registration is not None]
    if registered:
        await connection.execute(store_sql.REGISTER_MERCHANTS, columns.registrations(registered))
    segments = [(shop, segment) for shop in shops for segment in shop.new_segments]
    if segments:
        await connection.execute(store_sql.NEW_SEGMENTS, columns.segments(segments))
    erased = [(shop.merchant_no, store_id) for shop in shops for store_id in sorted(shop.erased_stores)]
    if erased:
        await connection.execute(store_sql.ERASE_STORES, columns.transposed(("merchants", "stores"), erased))
    stores = [(shop, shop.stores[store_id]) for shop in shops for store_id in sorted(shop.stores)]
    if stores:
        await connection.execute(store_sql.STORES, columns.stores(stores))


async def _move_absorbed(connection: AsyncConnection, shops: Shops) -> list[Any]:
    """Stored rows of absorbed customers are their survivors'; the months that the survivors now have."""
    aliases = [
        (shop.merchant_no, absorbed, shop.owner(shop.returned.get(absorbed, absorbed)))
        for shop in shops
        for absorbed in sorted(set(shop.absorbed))
        if shop.owner(shop.returned.get(absorbed, absorbed)) != absorbed
    ]
    if not aliases:
        return []
    keys = columns.aliases(aliases)
    await connection.execute(store_sql.MOVE_ORDERS, keys)
    await connection.execute(store_sql.MOVE_TIMELINE, keys)
    return list(await connection.execute(store_sql.MOVE_MONTHS, keys))


async def _store_orders(connection: AsyncConnection, shops: Shops) -> None:
    new: list[tuple[Shop, Order]] = []
    changed: list[tuple[Shop, Order]] = []
    refunds: list[tuple[Shop, Order, Refund]] = []
    followed: list[tuple[int, UUID, UUID, UUID]] = []
    for shop in shops:
        for order_id in sorted(shop.orders):
            order, was = shop.orders[order_id], shop.was_orders.get(order_id)
            owned = replace(order, owner_id=shop.owner(order.owner_id))
            if was is None:
                new.append((shop, owned))
            elif order is not was or shop.registration is not None:
                changed.append((shop, owned))
                followed.extend(_followed(shop, was, owned))
            refunds.extend((shop, owned, refund) for refund in _stale_refunds(shop, order, was))
    if new:
        await _all_written(connection, store_sql.NEW_ORDERS, order_columns.orders(new), len(new))
    if changed:
        await _all_written(connection, store_sql.CHANGED_ORDERS, order_columns.orders(changed), len(changed))
    if refunds:
        await connection.execute(store_sql.REFUNDS, order_columns.refunds(refunds))
    if followed:
        await connection.execute(store_sql.FOLLOW_ORDERS, columns.followed(followed))


def _followed(shop: Shop, was: Order, owned: Order) -> list[tuple[int, UUID, UUID, UUID]]:
    """The order whose stored timeline entries stand with somebody who no longer owns it."""
    old_owner = shop.owner(shop.returned.get(was.owner_id, was.owner_id))
    return [] if old_owner == owned.owner_id else [(shop.merchant_no, was.order_id, old_owner, owned.owner_id)]


def _stale_refunds(shop: Shop, order: Order, was: Order | None) -> list[Refund]:
    """Refunds that are new, or whose value in the merchant's currency may be another now."""
    if not order.refunds or (order is was and shop.registration is None):
        return []
    revalued = was is None or was.sale is not order.sale or shop.registration is not None
    return [
        order.refunds[refund_id]
        for refund_id in sorted(order.refunds)
        if revalued or was is None or order.refunds[refund_id] is not was.refunds.get(refund_id)
    ]


async def _store_months(connection: AsyncConnection, shops: Shops) -> list[Any]:
    """The months' sums are added up; the rows as they now stand."""
    rows = columns.months(shops)
    return list(await connection.execute(store_sql.MONTHS, rows)) if rows["customers"] else []


async def _store_customers(connection: AsyncConnection, shops: Shops, months: list[Any]) -> None:
    by_no = {shop.merchant_no: shop for shop in shops}
    for row in months:
        customers = by_no[row.merchant_no].customers
        customer = customers[row.customer_id]
        mask = with_month(customer.month_mask, row.month, row.orders)
        if mask != customer.month_mask:
            customers[row.customer_id] = replace(customer, month_mask=mask)
    changed = [
        (shop, customer)
        for shop in shops
        for customer_id, customer in sorted(shop.customers.items())
        if customer is not shop.was_customers.get(customer_id)
    ]
    if changed:
        await _all_written(connection, store_sql.CUSTOMERS, columns.customers(changed), len(changed))
        await _recount(connection, changed)


async def _recount(connection: AsyncConnection, changed: list[tuple[Shop, Customer]]) -> None:
    stale = [(shop.merchant_no, customer.customer_id) for shop, customer in changed if customer.recount]
    if stale:
        merchants, customers = zip(*stale, strict=True)
        await connection.execute(store_sql.RECOUNT, {"merchants": list(merchants), "customers": list(customers)})


async def _store_timeline(connection: AsyncConnection, shops: Shops) -> None:
    rows = columns.entries(shops)
    if rows["entries"]:
        await connection.execute(store_sql.ENTRIES, rows)


async def _clear_erased(connection: AsyncConnection, shops: Shops) -> None:
    """Call it when all that moved or was added stands: an erased customer's timeline gets no words any more."""
    erased = [
        (shop.merchant_no, customer_id)
        for shop in shops
        for customer_id, customer in sorted(shop.customers.items())
        if customer.erased_at is not None
    ]
    if erased:
        keys = columns.transposed(("merchants", "customers"), erased)
        await connection.execute(store_sql.CLEAR_ENTRIES, {**keys, "kept": list(KEPT_OF_THE_ERASED)})


async def _store_stays(connection: AsyncConnection, shops: Shops) -> None:
    ended: list[tuple[Shop, Stay]] = []
    new: list[tuple[Shop, Stay]] = []
    for shop in shops:
        stored = {(stay.segment_id, stay.customer_id, stay.entered_by) for stay in shop.was_stays.values()}
        for stay in shop.ended:
            known = (stay.segment_id, stay.customer_id, stay.entered_by) in stored
            (ended if known else new).append((shop, stay))
        new.extend((shop, stay) for key, stay in shop.stays.items() if stay is not shop.was_stays.get(key))
    if ended:
        await _all_written(connection, store_sql.END_STAYS, columns.ended_stays(ended), len(ended))
    if new:
        await connection.execute(store_sql.NEW_STAYS, columns.new_stays(new))


async def _all_written(connection: AsyncConnection, statement: TextClause, rows: dict[str, Any], count: int) -> None:
    result = await connection.execute(statement, rows)
    if result.rowcount != count:
        raise TransientFailure(f"{count - result.rowcount} of {count} rows were changed by another transaction")
