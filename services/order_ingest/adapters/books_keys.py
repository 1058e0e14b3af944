"""The keys that find customers, each with its owner and whose it was first: set-based load and store."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.adapters.columns import by_column, sql, unnest
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.people import People

_KEY_COLUMNS: Final = {"merchant_no": "int4", "strength": "int2", "store_no": "int4", "value": "text"}
_OWNERS = sql(
    """
    SELECT w.merchant_no, w.strength, w.store_no, w.value, i.customer_id, i.origin_id FROM {keys}
    CROSS JOIN LATERAL (SELECT customer_id, origin_id FROM identity i
        WHERE (i.merchant_no, i.strength, i.store_no, i.value)
            = (w.merchant_no, w.strength, w.store_no, w.value) OFFSET 0) i
    """,
    keys=unnest(_KEY_COLUMNS, alias="w"),
)
# A key that has an owner already can only be one of somebody erased, which a newer purchase takes over.
_CLAIM = sql(
    """
    INSERT INTO identity (merchant_no, strength, store_no, value, customer_id, origin_id) SELECT * FROM {rows}
    ON CONFLICT (merchant_no, strength, store_no, value)
    DO UPDATE SET customer_id = EXCLUDED.customer_id, origin_id = EXCLUDED.origin_id
    WHERE EXISTS (SELECT FROM customer c WHERE (c.merchant_no, c.customer_id)
        = (identity.merchant_no, identity.customer_id) AND c.erased_at IS NOT NULL)
    """,
    rows=unnest({**_KEY_COLUMNS, "customer_id": "uuid", "origin_id": "uuid"}),
)
_RELEASE = sql(
    """
    DELETE FROM identity i USING {keys}
    WHERE (i.merchant_no, i.strength, i.store_no, i.value) = (x.merchant_no, x.strength, x.store_no, x.value)
    """,
    keys=unnest(_KEY_COLUMNS),
)
_KEYS_OF = text(
    """
    SELECT i.* FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) w(merchant_no, customer_id)
    CROSS JOIN LATERAL (SELECT merchant_no, strength, store_no, value, customer_id, origin_id FROM identity i
        WHERE (i.merchant_no, i.customer_id) = (w.merchant_no, w.customer_id) OFFSET 0) i
    """
)


async def load_owners(
    connection: AsyncConnection, entries: Sequence[Entry], people: Mapping[int, People]
) -> set[tuple[int, UUID]]:
    """The entries' keys lead to their owners; the customers to be loaded for that."""
    keys = sorted({(entry.storefront.merchant_no, key) for entry in entries for key in entry.keys})
    if not keys:
        return set()
    rows = await connection.execute(_OWNERS, by_column([_key_values(*each) for each in keys], _KEY_COLUMNS))
    found = set()
    for row in rows:
        _lead(people[row.merchant_no], row)
        found |= {(row.merchant_no, each) for each in (row.customer_id, row.origin_id) if each is not None}
    return found


def _key_values(merchant_no: int, key: Key) -> dict[str, object]:
    return {"merchant_no": merchant_no, "strength": int(key.strength), "store_no": key.store_no, "value": key.value}


async def load_all_keys(
    connection: AsyncConnection, people: Mapping[int, People], loaded: Collection[tuple[int, UUID]]
) -> None:
    """Every key of everybody loaded: who is erased is known by none of them in clear any more."""
    if loaded:
        merchants, customers = map(list, zip(*sorted(loaded), strict=True))
        for row in await connection.execute(_KEYS_OF, {"merchants": merchants, "customers": customers}):
            _lead(people[row.merchant_no], row)


def _lead(people: People, row: Row[Any]) -> None:
    key = Key(Strength(row.strength), row.store_no, row.value)
    people.owners[key] = row.customer_id
    if row.origin_id is not None:
        people.origins[key] = row.origin_id


async def store_keys(connection: AsyncConnection, workspace: Workspace) -> None:
    """Released keys lead to nobody, claimed ones to their living owner; call it when `store_people` was sent."""
    released = [
        _key_values(merchant_no, key)
        for merchant_no, people in workspace.people.items()
        for key in sorted(people.released)
    ]
    if released:
        await connection.execute(_RELEASE, by_column(released, _KEY_COLUMNS))
    claimed = [
        _key_values(merchant_no, key) | _owner_values(people, key)
        for merchant_no, people in workspace.people.items()
        for key in sorted(people.claimed)
    ]
    if claimed:
        added = await connection.execute(_CLAIM, by_column(claimed, (*_KEY_COLUMNS, "customer_id", "origin_id")))
        assert added.rowcount == len(claimed), "a key led to somebody living under its merchant's lock"


def _owner_values(people: People, key: Key) -> dict[str, UUID | None]:
    owner_id = people.owners[key]
    living = people.resolve(owner_id)
    return {"customer_id": living, "origin_id": people.origins.get(key) or (owner_id if owner_id != living else None)}
