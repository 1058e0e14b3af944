"""Contacts: locked in one order, personal data encrypted and bound to its row."""

import json
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from services.messaging.application.workspace import Key
from services.messaging.domain.contact import Contact, Details

# Probes are `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: one index probe per key, whatever the statistics say when
# the worker's generic plan is made.
# Everything on the way from an id to the survivor of its merges; the path guards against a loop.
_CHAINS = text(
    """
    WITH RECURSIVE chain AS (
        SELECT x.merchant_no, x.customer_id, ARRAY[x.customer_id] AS path
        FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
        UNION ALL
        SELECT h.merchant_no, c.merged_into, h.path || c.merged_into
        FROM chain h CROSS JOIN LATERAL (
            SELECT c.merged_into FROM contact c
            WHERE c.merchant_no = h.merchant_no AND c.customer_id = h.customer_id OFFSET 0
        ) c
        WHERE c.merged_into IS NOT NULL AND NOT c.merged_into = ANY (h.path)
    )
    SELECT DISTINCT merchant_no, customer_id FROM chain
    """
)
# Keys come sorted, and the loop over them takes the row locks in that order.
_LOCK = text(
    """
    SELECT c.*, m.merchant_id
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT * FROM contact c WHERE c.merchant_no = x.merchant_no AND c.customer_id = x.customer_id
        OFFSET 0 FOR NO KEY UPDATE
    ) c
    CROSS JOIN LATERAL (SELECT merchant_id FROM merchant m WHERE m.merchant_no = x.merchant_no OFFSET 0) m
    """
)
_ADD = text(
    """
    INSERT INTO contact (merchant_no, customer_id) SELECT *
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS x(merchant_no, customer_id)
    ON CONFLICT DO NOTHING
    """
)
_CHANGE = text(
    """
    UPDATE contact c SET identity_version = x.identity_version, details = x.details, email_hash = x.email_hash,
        locale = x.locale, time_zone = x.time_zone, anonymous = x.anonymous, merged_into = x.merged_into,
        merge_version = x.merge_version, erased_at = x.erased_at
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:versions AS int8[]),
                CAST(:details AS bytea[]), CAST(:hashes AS text[]), CAST(:locales AS text[]), CAST(:zones AS text[]),
                CAST(:anonymous AS boolean[]), CAST(:survivors AS uuid[]),
                CAST(:merges AS int8[]), CAST(:erasures AS timestamptz[]))
        AS x(merchant_no, customer_id, identity_version, details, email_hash, locale, time_zone, anonymous,
             merged_into, merge_version, erased_at)
    WHERE (c.merchant_no, c.customer_id) = (x.merchant_no, x.customer_id)
    """
)


_KNOWN = text("SELECT true FROM contact WHERE (merchant_no, customer_id) = (:merchant_no, :customer_id)")


async def is_known(connection: AsyncConnection, merchant_no: int, customer_id: UUID) -> bool:
    """True if any fact ever named the customer."""
    keys = {"merchant_no": merchant_no, "customer_id": customer_id}
    return bool(await connection.scalar(_KNOWN, keys))


async def lock_contacts(connection: AsyncConnection, keys: Collection[Key], vault: Vault) -> dict[Key, Contact]:
    """The contacts and all their survivors, locked; rows that are missing exist from now on."""
    wanted = set(keys)
    locked: dict[Key, Contact] = {}
    while wanted - set(locked):
        chained = await _chained(connection, wanted)
        rows = await _lock(connection, chained)
        if len(rows) < len(chained):
            missing = chained - {(row.merchant_no, row.customer_id) for row in rows}
            await connection.execute(_ADD, _columns(sorted(missing)))
            rows = await _lock(connection, chained)
        locked = {(row.merchant_no, row.customer_id): contact_of(row, vault) for row in rows}
        # A merge may have committed between looking and locking.
        wanted |= {(no, found.merged_into) for (no, _), found in locked.items() if found.merged_into is not None}
    return locked


async def change_contacts(
    connection: AsyncConnection, contacts: Sequence[Contact], merchant_ids: Mapping[int, UUID], vault: Vault
) -> None:
    """The locked rows are as given."""
    if not contacts:
        return
    changed = await connection.execute(
        _CHANGE,
        {
            **_columns([(contact.merchant_no, contact.customer_id) for contact in contacts]),
            "versions": [contact.identity_version for contact in contacts],
            "details": [_encrypted(contact, merchant_ids[contact.merchant_no], vault) for contact in contacts],
            "hashes": [contact.email_hash for contact in contacts],
            "locales": [contact.locale for contact in contacts],
            "zones": [contact.time_zone for contact in contacts],
            "anonymous": [contact.anonymous for contact in contacts],
            "survivors": [contact.merged_into for contact in contacts],
            "merges": [contact.merge_version for contact in contacts],
            "erasures": [contact.erased_at for contact in contacts],
        },
    )
    assert changed.rowcount == len(contacts), "a locked contact has vanished"


def contact_of(row: Row[tuple[object, ...]], vault: Vault) -> Contact:
    """The contact that a row with `merchant_id` holds, its details opened."""
    return Contact(
        merchant_no=row.merchant_no,
        customer_id=row.customer_id,
        identity_version=row.identity_version,
        details=_opened(row, vault) if row.details is not None else None,
        email_hash=row.email_hash,
        locale=row.locale,
        time_zone=row.time_zone,
        anonymous=row.anonymous,
        merged_into=row.merged_into,
        merge_version=row.merge_version,
        erased_at=row.erased_at,
    )


async def _chained(connection: AsyncConnection, keys: Collection[Key]) -> set[Key]:
    rows = await connection.execute(_CHAINS, _columns(sorted(keys)))
    return {(row.merchant_no, row.customer_id) for row in rows}


async def _lock(connection: AsyncConnection, keys: Collection[Key]) -> Sequence[Row[tuple[object, ...]]]:
    return (await connection.execute(_LOCK, _columns(sorted(keys)))).all()


def _columns(keys: Sequence[Key]) -> dict[str, list[object]]:
    return {"merchants": [number for number, _ in keys], "customers": [customer for _, customer in keys]}


def _place(merchant_id: UUID, customer_id: UUID) -> str:
    return f"{merchant_id}|contact|details|{customer_id}"


def _encrypted(contact: Contact, merchant_id: UUID, vault: Vault) -> bytes | None:
    if contact.details is None:
        return None
    details = contact.details
    plain = json.dumps([details.email, details.phone, details.given_name, details.family_name]).encode()
    return vault.encrypt(plain, _place(merchant_id, contact.customer_id))


def _opened(row: Row[tuple[object, ...]], vault: Vault) -> Details:
    email, phone, given_name, family_name = json.loads(
        vault.decrypt(row.details, _place(row.merchant_id, row.customer_id))
    )
    return Details(email=email, phone=phone, given_name=given_name, family_name=family_name)
