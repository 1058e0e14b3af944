"""`GET /v1/audit_log`: who changed what, newest first."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Security
from pydantic import BaseModel, Field

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.kit import Kit, kit
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of

router = APIRouter(prefix="/v1", tags=["audit"])


class AuditEntryOut(BaseModel):
    """One audited write; the hashes prove what stood before and after without showing it."""

    audit_id: UUID
    at: datetime
    actor: str = Field(examples=["local-admin"])
    action: str = Field(examples=["store.create"])
    target: str = Field(examples=["0190a5b0-7c1e-7c3a-9d0e-3b8f6f1f2a10"])
    before_hash: str | None
    after_hash: str | None

    @classmethod
    def of(cls, entry: audit.AuditEntry) -> "AuditEntryOut":
        return cls(
            audit_id=entry.audit_id,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            before_hash=entry.before_hash,
            after_hash=entry.after_hash,
        )


@router.get("/audit_log", summary="List audited writes, newest first")
async def list_audit_log(
    principal: Annotated[Principal, Security(authenticated, scopes=["audit_log:read"])],
    kit: Annotated[Kit, Depends(kit)],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntryOut]:
    """Who did what to what; hashes prove what stood before and after without showing it."""
    after = decode_cursor(cursor, audit_id=UUID)
    async with kit.database.read(principal.merchant) as uow:
        found = await audit.entries(uow.connection, before_id=after["audit_id"] if after else None, limit=limit + 1)
    return page_of(found, limit=limit, shown=AuditEntryOut.of, position=lambda entry: {"audit_id": entry.audit_id})
