"""Merchants with their programmes, locked so that nothing is published while a batch counts under the old rules."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.loyalty.adapters.columns import columns
from services.loyalty.adapters.rules_json import rules_from_json, rules_to_json
from services.loyalty.application.workspace import Merchant, Registration
from services.loyalty.domain.accounts import System
from services.loyalty.domain.programmes import Programme, Version

_FIND = text("""
SELECT m.merchant_id, m.merchant_no, p.programme_no, p.programme_id, p.name, p.revision
FROM unnest(CAST(:ids AS uuid[])) k(merchant_id)
CROSS JOIN LATERAL (SELECT * FROM merchant WHERE merchant_id = k.merchant_id OFFSET 0) m
CROSS JOIN LATERAL (SELECT * FROM programme WHERE merchant_no = m.merchant_no OFFSET 0 FOR SHARE) p
""")
_VERSIONS = text("""
SELECT v.version, v.effective_at, v.rules FROM programme_version v
WHERE v.merchant_no = :merchant_no AND v.programme_no = :programme_no AND v.state = 'published' ORDER BY v.version
""")
_ADD_MERCHANTS = text("""
INSERT INTO merchant (merchant_id, name, currency, registered_at)
SELECT id, '', 'XXX', :now FROM unnest(CAST(:ids AS uuid[])) k(id) ON CONFLICT DO NOTHING
""")
_ADD_PROGRAMMES = text("""
INSERT INTO programme (merchant_no)
SELECT m.merchant_no FROM unnest(CAST(:ids AS uuid[])) k(id)
CROSS JOIN LATERAL (SELECT merchant_no FROM merchant WHERE merchant_id = k.id OFFSET 0) m
ORDER BY 1 ON CONFLICT DO NOTHING
""")
_ADD_SYSTEM_ACCOUNTS = text("""
INSERT INTO account (merchant_no, account_id, kind)
SELECT m.merchant_no, s.account_id, s.kind FROM unnest(CAST(:ids AS uuid[])) k(id)
CROSS JOIN LATERAL (SELECT merchant_no FROM merchant WHERE merchant_id = k.id OFFSET 0) m
CROSS JOIN unnest(CAST(:account_ids AS int8[]), CAST(:kinds AS text[])) s(account_id, kind)
ORDER BY 1, 2 ON CONFLICT DO NOTHING
""")
_NAME_MERCHANT = text("""
UPDATE merchant SET name = :name, currency = :currency, time_zone = :time_zone, registered_at = :registered_at
WHERE merchant_no = :merchant_no
""")
_LAY_DOWN = text("""
UPDATE programme SET programme_id = :programme_id, name = :name, revision = revision + 1
WHERE merchant_no = :merchant_no AND programme_no = :programme_no
""")
_ADD_VERSION = text("""
INSERT INTO programme_version (merchant_no, programme_no, version, state, effective_at, rules, created_at, published_at)
VALUES (:merchant_no, :programme_no, :version, 'published', :effective_at, CAST(:rules AS jsonb), :now, :now)
""")


class Programmes:
    """Finds programmes; published versions never change, so they are read once per publication."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Programme]] = {}

    async def find(self, connection: AsyncConnection, merchant_ids: Iterable[UUID], now: datetime) -> list[Merchant]:
        """The merchants, their programmes share-locked; merchants never heard of are added without a name."""
        ids = sorted(merchant_ids)
        found = await self._read(connection, ids)
        missing = sorted(set(ids) - {merchant.merchant_id for merchant in found})
        if missing:
            await _add(connection, missing, now)
            found += await self._read(connection, missing)
        return found

    async def _read(self, connection: AsyncConnection, ids: Sequence[UUID]) -> list[Merchant]:
        rows = (await connection.execute(_FIND, {"ids": ids})).fetchall()
        found = []
        for merchant_id, merchant_no, programme_no, programme_id, name, revision in rows:
            if revision == 0:
                found.append(Merchant(merchant_no, merchant_id))
                continue
            known = self._known.get(merchant_no)
            if known is None or known[0] != revision:
                versions = await _versions(connection, merchant_no, programme_no)
                known = (revision, Programme(programme_no, programme_id, merchant_id, name, versions))
                self._known[merchant_no] = known
            found.append(Merchant(merchant_no, merchant_id, known[1]))
        return found


async def store_registration(connection: AsyncConnection, told: Registration, now: datetime) -> None:
    """The merchant has its name and, if this laid one down, its first programme version."""
    await connection.execute(
        _NAME_MERCHANT,
        {
            "merchant_no": told.merchant_no,
            "name": told.name,
            "currency": told.currency,
            "time_zone": told.time_zone,
            "registered_at": told.registered_at,
        },
    )
    if told.lays_down is None:
        return
    programme = told.lays_down
    where = {"merchant_no": told.merchant_no, "programme_no": programme.programme_no}
    await connection.execute(_LAY_DOWN, {**where, "programme_id": programme.programme_id, "name": programme.name})
    for version in programme.versions:
        values = {"version": version.number, "effective_at": version.effective_at, "now": now}
        await connection.execute(_ADD_VERSION, {**where, **values, "rules": rules_to_json(version.rules)})


async def _add(connection: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
    await connection.execute(_ADD_MERCHANTS, {"ids": ids, "now": now})
    await connection.execute(_ADD_PROGRAMMES, {"ids": ids})
    system = columns("account_ids kinds", ((kind.value, kind.name.lower()) for kind in System))
    await connection.execute(_ADD_SYSTEM_ACCOUNTS, {"ids": ids, **system})


async def _versions(connection: AsyncConnection, merchant_no: int, programme_no: int) -> tuple[Version, ...]:
    rows = await connection.execute(_VERSIONS, {"merchant_no": merchant_no, "programme_no": programme_no})
    return tuple(Version(number, effective_at, rules_from_json(rules)) for number, effective_at, rules in rows)
