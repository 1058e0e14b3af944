"""Customers, and whoever they became: set-based load and store."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from libs.servicekit.sealing import Vault
from services.order_ingest.adapters.books_keys import load_all_keys, load_owners
from services.order_ingest.adapters.columns import by_column, locked, sql, unnest
from services.order_ingest.adapters.people_rows import customer_of, values_of
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.order import Order
from services.order_ingest.domain.people import People
from services.order_ingest.domain.persons import DataAsked, ErasureAsked, UnmergeAsked

_CUSTOMERS = text(
    """
    SELECT c.* FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) w(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT merchant_no, customer_id, strength, store_id, identity_version, platform_stores, description_enc,
               consents, merged_into, registered_at, erased_at, born_after, former_id
        FROM customer c WHERE (c.merchant_no, c.customer_id) = (w.merchant_no, w.customer_id) OFFSET 0) c
    """
)
_CUSTOMER_COLUMNS: Final = {
    "merchant_no": "int4",
    "customer_id": "uuid",
    "strength": "int2",
    "store_id": "uuid",
    "identity_version": "int4",
    "platform_stores": "text",
    "description_enc": "bytea",
    "consents": "text",
    "merged_into": "uuid",
    "registered_at": "timestamptz",
    "erased_at": "timestamptz",
    "born_after": "timestamptz",
    "former_id": "uuid",
}
_AS_STORED: Final = {"platform_stores": "CAST(platform_stores AS int4[])"}
_INSERT = sql(
    "INSERT INTO customer ({columns}, updated_at) SELECT {values}, :now FROM {rows}",
    columns=", ".join(_CUSTOMER_COLUMNS),
    values=", ".join(_AS_STORED.get(name, name) for name in _CUSTOMER_COLUMNS),
    rows=unnest(_CUSTOMER_COLUMNS),
)
_UPDATE = sql(
    """
    UPDATE customer c SET identity_version = x.identity_version, platform_stores = CAST(x.platform_stores AS int4[]),
        description_enc = x.description_enc, consents = x.consents, merged_into = x.merged_into,
        registered_at = x.registered_at, erased_at = x.erased_at, born_after = x.born_after, former_id = x.former_id,
        updated_at = :now
    FROM {rows} WHERE (c.merchant_no, c.customer_id) = (x.merchant_no, x.customer_id)
    """,
    rows=unnest(_CUSTOMER_COLUMNS),
)
# Everybody who was merged into these, however long ago; a ring, never made here, ends by UNION.
_ABSORBED = text(
    """
    WITH RECURSIVE life AS (
        SELECT w.merchant_no, w.customer_id
        FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) w(merchant_no, customer_id)
        UNION
        SELECT c.merchant_no, c.customer_id FROM life CROSS JOIN LATERAL (
            SELECT merchant_no, customer_id FROM customer c
            WHERE c.merged_into = life.customer_id AND c.merchant_no + 0 = life.merchant_no OFFSET 0) c
    )
    SELECT merchant_no, customer_id FROM life
    """
)
_BY_OUR_ID = (ErasureAsked, DataAsked, UnmergeAsked)


async def load_people(
    connection: AsyncConnection, entries: Sequence[Entry], orders: Mapping[UUID, Order], vault: Vault
) -> Mapping[int, People]:
    """Per merchant: the owners of the entries' keys, the customers of their orders, and all of these as they are.

    Keys and orders always name living customers: a merge moves both. A request by our own id may name an absorbed one,
    and who came back after an erasure has a former life: both lead on.
    """
    people = {
        entry.storefront.merchant_no: People(merchant_id=entry.storefront.merchant_id)
        for entry in sorted(entries, key=lambda entry: entry.storefront.merchant_no)
    }
    wanted = await load_owners(connection, entries, people)
    for entry in entries:
        order = orders.get(entry.storefront.order_id(name)) if (name := _order_name(entry)) else None
        if order is not None and order.customer_id is not None:
            wanted.add((entry.storefront.merchant_no, order.customer_id))
        if isinstance(entry.change, _BY_OUR_ID) and entry.change.customer_id is not None:
            wanted.add((entry.storefront.merchant_no, entry.change.customer_id))
    await _load_linked(connection, people, wanted, vault)
    if any(isinstance(entry.change, ErasureAsked | UnmergeAsked) for entry in entries):
        await _load_absorbed(connection, people, vault)
        await load_all_keys(connection, people, _loaded(people))
    return people


async def _load_linked(
    connection: AsyncConnection, people: Mapping[int, People], wanted: set[tuple[int, UUID]], vault: Vault
) -> None:
    while wanted:
        for row in await connection.execute(_CUSTOMERS, _pairs(wanted)):
            people[row.merchant_no].customers[row.customer_id] = customer_of(row, vault)
        wanted = _linked(people) - wanted


async def _load_absorbed(connection: AsyncConnection, people: Mapping[int, People], vault: Vault) -> None:
    """Everybody whose life ended in one who is loaded: their words are kept under the id that they had."""
    if loaded := _loaded(people):
        found = await connection.execute(_ABSORBED, _pairs(loaded))
        await _load_linked(connection, people, {(row.merchant_no, row.customer_id) for row in found} - loaded, vault)


def _loaded(people: Mapping[int, People]) -> set[tuple[int, UUID]]:
    return {(merchant_no, customer_id) for merchant_no, each in people.items() for customer_id in each.customers}


def _pairs(wanted: Collection[tuple[int, UUID]]) -> dict[str, list[Any]]:
    merchants, customers = map(list, zip(*sorted(wanted), strict=True))
    return {"merchants": merchants, "customers": customers}


def _linked(people: Mapping[int, People]) -> set[tuple[int, UUID]]:
    """Customers to whom one that is loaded leads, and who are not loaded yet."""
    return {
        (merchant_no, linked)
        for merchant_no, each in people.items()
        for customer in each.customers.values()
        for linked in (customer.merged_into, customer.former_id)
        if linked is not None and linked not in each.customers
    }


def _order_name(entry: Entry) -> str | None:
    """The order whose customer the entry concerns: what is said of a part concerns them too."""
    change = entry.change
    name: str | None = getattr(change, "external_id", None) or getattr(change, "order_external_id", None)
    return name


def store_people(writes: Writes, workspace: Workspace, vault: Vault, now: datetime) -> None:
    """Touched customers are stored with the writes, absorbed ones with a pointer to their survivor."""
    touched = [
        values_of(merchant_no, people.customers[customer_id], vault)
        for merchant_no, people in workspace.people.items()
        for customer_id in sorted(people.touched)
    ]
    new = [row for row in touched if row["customer_id"] not in workspace.stored_customers]
    known = [row for row in touched if row["customer_id"] in workspace.stored_customers]
    if new:
        writes.add(_INSERT, {**by_column(new, _CUSTOMER_COLUMNS), "now": now})
    if known:
        writes.add(_UPDATE, {**by_column(known, _CUSTOMER_COLUMNS), "now": now}, locked(len(known), "customer"))
