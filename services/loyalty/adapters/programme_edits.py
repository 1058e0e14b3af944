"""Programmes and their versions as they are edited."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from libs.servicekit.timers import Due, schedule
from services.loyalty.adapters.rules_json import rules_from_json, rules_to_json
from services.loyalty.application.ports import Transaction
from services.loyalty.application.register_merchant import CATCH_UP
from services.loyalty.application.views import ProgrammeView, VersionView
from services.loyalty.domain.programmes import Rules

_ALL = """
SELECT p.programme_no, p.programme_id, p.name, p.revision AS programme_revision,
       v.version, v.state, v.effective_at, v.rules, v.revision, v.created_at, v.published_at
FROM programme p JOIN programme_version v USING (merchant_no, programme_no)
"""
_LIST = text(f"{_ALL} ORDER BY p.programme_no, v.version")
_FIND = text(f"{_ALL} WHERE p.programme_id = :programme_id ORDER BY p.programme_no, v.version")
_LOCK = text("SELECT programme_no FROM programme WHERE programme_id = :programme_id FOR UPDATE")
_ADD = text("""
INSERT INTO programme_version (merchant_no, programme_no, version, state, effective_at, rules, created_at)
SELECT p.merchant_no, p.programme_no, :version, 'draft', :effective_at, CAST(:rules AS jsonb), :now
FROM programme p WHERE p.programme_id = :programme_id
""")
_CHANGE = text("""
UPDATE programme_version v SET effective_at = :effective_at, rules = CAST(:rules AS jsonb), revision = v.revision + 1
FROM programme p
WHERE p.programme_id = :programme_id AND (v.merchant_no, v.programme_no) = (p.merchant_no, p.programme_no)
    AND v.version = :version AND v.state = 'draft'
""")
_PUBLISH = text("""
UPDATE programme_version v SET state = 'published', published_at = :now, revision = v.revision + 1
FROM programme p
WHERE p.programme_id = :programme_id AND (v.merchant_no, v.programme_no) = (p.merchant_no, p.programme_no)
    AND v.version = :version AND v.state = 'draft'
""")
_ADVANCE = text("""
UPDATE programme SET revision = revision + 1 WHERE programme_id = :programme_id RETURNING merchant_no
""")


class PostgresProgrammes:
    """Programmes of the transaction's merchant (row-level security sees to that)."""

    async def all(self, transaction: Transaction) -> Sequence[ProgrammeView]:
        return _programmes(await transaction.connection.execute(_LIST))

    async def find(self, transaction: Transaction, programme_id: UUID) -> ProgrammeView | None:
        found = _programmes(await transaction.connection.execute(_FIND, {"programme_id": programme_id}))
        return found[0] if found else None

    async def lock(self, transaction: Transaction, programme_id: UUID) -> ProgrammeView | None:
        await transaction.connection.execute(_LOCK, {"programme_id": programme_id})
        return await self.find(transaction, programme_id)

    async def add_draft(
        self, transaction: Transaction, programme: ProgrammeView, *, rules: Rules, effective_at: datetime, now: datetime
    ) -> int:
        number = programme.versions[-1].number + 1
        values = _values(programme, number, rules, effective_at)
        await transaction.connection.execute(_ADD, {**values, "now": now})
        return number

    async def change_draft(
        self, transaction: Transaction, programme: ProgrammeView, number: int, *, rules: Rules, effective_at: datetime
    ) -> None:
        await transaction.connection.execute(_CHANGE, _values(programme, number, rules, effective_at))

    async def publish(self, transaction: Transaction, programme: ProgrammeView, number: int, now: datetime) -> None:
        values = {"programme_id": programme.programme_id, "version": number, "now": now}
        await transaction.connection.execute(_PUBLISH, values)
        merchant_no = await transaction.connection.scalar(_ADVANCE, {"programme_id": programme.programme_id})
        await schedule(transaction.connection, [Due(merchant_no, CATCH_UP, "orders", now)])


def _values(programme: ProgrammeView, number: int, rules: Rules, effective_at: datetime) -> dict[str, object]:
    return {
        "programme_id": programme.programme_id,
        "version": number,
        "effective_at": effective_at,
        "rules": rules_to_json(rules),
    }


def _programmes(rows: Any) -> list[ProgrammeView]:  # the driver's rows, in the order of _ALL
    found: dict[int, tuple[UUID, str, int, list[VersionView]]] = {}
    for programme_no, programme_id, name, revision, number, state, effective_at, rules, *rest in rows:
        versions = found.setdefault(programme_no, (programme_id, name, revision, []))[3]
        versions.append(VersionView(number, state, effective_at, rules_from_json(rules), *rest))
    return [ProgrammeView(number, *each) for number, each in found.items()]
