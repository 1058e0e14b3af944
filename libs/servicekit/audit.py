"""Who changed what: one row per write through an API, with hashes of what stood before and after."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.identity import new_id

_PLATFORM = 0


def audit_tables(service: str) -> Sequence[str]:
    """The statements that create `audit_log`; rows are added and read, never changed.

    `merchant_no` 0 stands for the platform: no merchant's transaction sees those rows.
    """
    return (
        """
        CREATE TABLE audit_log (
            merchant_no int4 NOT NULL,
            audit_id uuid NOT NULL,
            at timestamptz NOT NULL,
            actor text NOT NULL,
            action text NOT NULL,
            target text NOT NULL,
            before_hash text,
            after_hash text,
            PRIMARY KEY (merchant_no, audit_id)
        )
        """,
        "ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE audit_log FORCE ROW LEVEL SECURITY",
        f"""
        CREATE POLICY read_own ON audit_log FOR SELECT TO {service}_api USING (
            merchant_no = CASE WHEN current_setting('app.platform', true) = 'on' THEN {_PLATFORM}
                          ELSE current_setting('app.tenant')::int4 END)
        """,
        f"""
        CREATE POLICY add_own ON audit_log FOR INSERT TO {service}_api WITH CHECK (
            merchant_no = CASE WHEN current_setting('app.platform', true) = 'on' THEN {_PLATFORM}
                          ELSE current_setting('app.tenant')::int4 END)
        """,
        f"CREATE POLICY all_merchants ON audit_log TO {service}_worker, {service}_owner USING (true) WITH CHECK (true)",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM {service}_api, {service}_worker",
    )


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audited write."""

    audit_id: UUID
    at: datetime
    actor: str
    action: str
    target: str
    before_hash: str | None
    after_hash: str | None


async def record(
    connection: AsyncConnection,
    *,
    merchant_no: int | None,
    actor: str,
    action: str,
    target: str,
    now: datetime,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The write stands in the audit log if, and only if, the transaction commits. None is the platform."""
    await connection.execute(
        text(
            """
            INSERT INTO audit_log (merchant_no, audit_id, at, actor, action, target, before_hash, after_hash)
            VALUES (:merchant_no, :audit_id, :at, :actor, :action, :target, :before_hash, :after_hash)
            """
        ),
        {
            "merchant_no": _PLATFORM if merchant_no is None else merchant_no,
            "audit_id": new_id(),
            "at": now,
            "actor": actor,
            "action": action,
            "target": target,
            "before_hash": _digest(before),
            "after_hash": _digest(after),
        },
    )


async def entries(connection: AsyncConnection, *, before_id: UUID | None, limit: int) -> list[AuditEntry]:
    """The newest entries of the transaction's merchant, older than `before_id`."""
    rows = await connection.execute(
        text(
            """
            SELECT audit_id, at, actor, action, target, before_hash, after_hash FROM audit_log
            WHERE CAST(:before_id AS uuid) IS NULL OR audit_id < :before_id
            ORDER BY audit_id DESC LIMIT :limit
            """
        ),
        {"before_id": before_id, "limit": limit},
    )
    return [AuditEntry(**row._mapping) for row in rows]


def _digest(state: Mapping[str, Any] | None) -> str | None:
    if state is None:
        return None
    return hashlib.sha256(json.dumps(dict(state), sort_keys=True, default=str).encode()).hexdigest()
