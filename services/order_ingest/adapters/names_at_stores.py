"""By which ids stores call a customer, whoever the customer has been merged into since (worker role)."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.domain.customer import ConsentMark

Person: TypeAlias = tuple[int, UUID]
"""Merchant's local number, and customer."""
# 0 is the strength of a platform's id.
_NAMES: Final = text(
    """
    WITH RECURSIVE life AS (
        SELECT w.merchant_no, w.customer_id AS asked, w.customer_id
        FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) w(merchant_no, customer_id)
        UNION
        SELECT l.merchant_no, l.asked, c.merged_into FROM life l CROSS JOIN LATERAL (
            SELECT merged_into FROM customer c
            WHERE (c.merchant_no, c.customer_id) = (l.merchant_no, l.customer_id) OFFSET 0) c
        WHERE c.merged_into IS NOT NULL
    )
    SELECT l.merchant_no, l.asked AS customer_id, i.store_no, i.value AS external_id, c.consents
    FROM life l
    CROSS JOIN LATERAL (
        SELECT store_no, value FROM identity i
        WHERE (i.customer_id, i.merchant_no) = (l.customer_id, l.merchant_no) AND i.strength = 0 OFFSET 0) i
    CROSS JOIN LATERAL (
        SELECT consents FROM customer c
        WHERE (c.merchant_no, c.customer_id) = (l.merchant_no, l.customer_id) OFFSET 0) c
    ORDER BY l.merchant_no, l.asked, i.store_no, i.value
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameAtStore:
    """The store's own id of a customer, and the newest statement about each channel that any store has told."""

    store_no: int
    external_id: str
    consents: Mapping[str, ConsentMark]


async def names_at_stores(
    connection: AsyncConnection, persons: Collection[Person]
) -> Mapping[Person, Sequence[NameAtStore]]:
    """Of each person the ids at all stores, those of one store together."""
    found: defaultdict[Person, list[NameAtStore]] = defaultdict(list)
    if persons:
        merchants, customers = map(list, zip(*sorted(persons), strict=True))
        rows = await connection.execute(_NAMES, {"merchants": merchants, "customers": customers})
        for row in rows:
            marks = {channel: ConsentMark(*mark) for channel, mark in json.loads(row.consents or "{}").items()}
            name = NameAtStore(store_no=row.store_no, external_id=row.external_id, consents=marks)
            found[row.merchant_no, row.customer_id].append(name)
    return found
