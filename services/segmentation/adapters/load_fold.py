"""A batch's workspace, loaded with a constant number of statements, every row locked before it is believed.

Order of locks: merchants that are not registered yet, orders, customers. Order rows come first because they name
owners that the facts do not; whoever repoints an order (a merge) has locked it too.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from services.segmentation.adapters import load_sql
from services.segmentation.adapters.rows import NO_CURRENCY, customer_of, order_of, refund_of, stay_of
from services.segmentation.adapters.touched import Touched, sorted_pairs
from services.segmentation.application.workspace import Shop
from services.segmentation.domain.order import Refund
from services.segmentation.domain.segment import segment

Rows = list[Row[Any]]
Shops = Mapping[int, Shop]


async def load_shops(connection: AsyncConnection, touched: Mapping[UUID, Touched], now: datetime) -> dict[int, Shop]:
    """One shop per merchant number, with its currency and segments.

    A merchant that is not registered here yet gets a placeholder and is locked: its registration and its first
    orders, which no key keeps in order, then happen one after the other.
    """
    ids = sorted(touched)
    rows = await _rows(connection, load_sql.MERCHANTS, ids=ids)
    known = {row.merchant_id: row for row in rows if row.currency != NO_CURRENCY}
    unsure = [merchant_id for merchant_id in ids if merchant_id not in known]
    if unsure:
        for row in await connection.execute(load_sql.PLACEHOLDERS, {"ids": unsure, "now": now}):
            touched[row.merchant_id].is_news = True
        known |= {row.merchant_id: row for row in await _rows(connection, load_sql.LOCKED_MERCHANTS, ids=unsure)}
    shops = {
        row.merchant_no: Shop(merchant_id, row.merchant_no, None if row.currency == NO_CURRENCY else row.currency)
        for merchant_id, row in known.items()
    }
    for row in await _rows(connection, load_sql.SEGMENTS, merchants=sorted(shops)):
        found = segment(row.segment_id, row.name, row.version, json.loads(row.rule))
        shops[row.merchant_no].segments[row.segment_id] = found
    return shops


async def load_orders(connection: AsyncConnection, shops: Shops, touched: Mapping[UUID, Touched]) -> None:
    """Each shop has the orders of the batch, of customers that it absorbs, and all if it is registered only now."""
    merchants, orders = sorted_pairs((no, touched[shop.merchant_id].orders) for no, shop in shops.items())
    absorbed_merchants, absorbed = sorted_pairs((no, touched[shop.merchant_id].absorbed) for no, shop in shops.items())
    registering = [
        no for no, shop in sorted(shops.items()) if shop.currency is None and touched[shop.merchant_id].has_a_past
    ]
    if not (orders or absorbed or registering):
        return
    rows = await _rows(
        connection,
        load_sql.ORDERS,
        merchants=merchants,
        orders=orders,
        absorbed_merchants=absorbed_merchants,
        absorbed=absorbed,
        registering=registering,
    )
    refunds = await _refunds(connection, rows)
    for row in rows:
        shop = shops[row.merchant_no]
        shop.orders[row.order_id] = order_of(row, refunds.get((row.merchant_no, row.order_id), {}))
    for shop in shops.values():
        shop.was_orders = dict(shop.orders)


async def _refunds(connection: AsyncConnection, orders: Rows) -> dict[tuple[int, UUID], dict[UUID, Refund]]:
    found: dict[tuple[int, UUID], dict[UUID, Refund]] = {}
    if not orders:
        return found
    keys = {"merchants": [row.merchant_no for row in orders], "orders": [row.order_id for row in orders]}
    for row in await _rows(connection, load_sql.REFUNDS, **keys):
        found.setdefault((row.merchant_no, row.order_id), {})[row.refund_id] = refund_of(row)
    return found


async def load_customers(connection: AsyncConnection, shops: Shops, touched: Mapping[UUID, Touched]) -> None:
    """Each shop has the customers of the batch, the owners of its orders, and whoever these were merged into.

    A merge that commits while we wait for a row shows up in the row we get: its survivor is then fetched too.
    """
    wanted = {
        no: touched[shop.merchant_id].customers | {order.owner_id for order in shop.orders.values()}
        for no, shop in shops.items()
    }
    families = {no: touched[shop.merchant_id].families for no, shop in shops.items()}
    await _add_families(connection, wanted, families)
    while any(wanted.values()):
        await _lock_customers(connection, shops, wanted)
        wanted = {no: _unknown_survivors(shop) for no, shop in shops.items()}
        await _add_families(connection, wanted, families)
        wanted = {no: ids - shops[no].customers.keys() for no, ids in wanted.items()}
    for shop in shops.values():
        shop.was_customers = dict(shop.customers)


async def _lock_customers(connection: AsyncConnection, shops: Shops, wanted: Mapping[int, set[UUID]]) -> None:
    await _take_customers(connection, shops, wanted)
    missing = {no: ids - shops[no].customers.keys() for no, ids in wanted.items()}
    if any(missing.values()):
        merchants, customers = sorted_pairs(missing.items())
        await connection.execute(load_sql.NEW_CUSTOMERS, {"merchants": merchants, "customers": customers})
        await _take_customers(connection, shops, missing)


async def _take_customers(connection: AsyncConnection, shops: Shops, wanted: Mapping[int, set[UUID]]) -> None:
    merchants, customers = sorted_pairs(wanted.items())
    for row in await _rows(connection, load_sql.CUSTOMERS, merchants=merchants, customers=customers):
        shops[row.merchant_no].customers[row.customer_id] = customer_of(row)


async def _add_families(
    connection: AsyncConnection, wanted: Mapping[int, set[UUID]], families: Mapping[int, set[UUID]]
) -> None:
    """Asked again under the locks of those found: nobody is merged into a customer whose row is locked."""
    merchants, customers = sorted_pairs(families.items())
    if customers:
        for row in await _rows(connection, load_sql.FAMILIES, merchants=merchants, customers=customers):
            wanted[row.merchant_no].add(row.customer_id)


def _unknown_survivors(shop: Shop) -> set[UUID]:
    survivors = {customer.merged_into for customer in shop.customers.values() if customer.merged_into is not None}
    return survivors - shop.customers.keys()


async def load_stays(connection: AsyncConnection, shops: Shops) -> None:
    """Each shop has the open stays of its customers."""
    merchants, customers = sorted_pairs((no, shop.customers) for no, shop in shops.items())
    if customers:
        for row in await _rows(connection, load_sql.STAYS, merchants=merchants, customers=customers):
            shops[row.merchant_no].stays[row.segment_id, row.customer_id] = stay_of(row)
    for shop in shops.values():
        shop.was_stays = dict(shop.stays)


async def _rows(connection: AsyncConnection, statement: TextClause, **keys: list[Any]) -> Rows:
    return list(await connection.execute(statement, keys))
