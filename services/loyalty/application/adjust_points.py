"""A person corrects a member's balance, once per idempotency key."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from services.loyalty.application.telling import Heard, tell_adjusted, tell_expired
from services.loyalty.application.workspace import Member, Workspace
from services.loyalty.domain.adjusting import adjust_down, adjust_up
from services.loyalty.domain.entries import Entry, Header, entry_id
from services.loyalty.domain.errors import KeyReused


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What somebody wants: signed points for a member, with the reason that the audit log keeps."""

    customer_id: UUID
    points: int
    reason: str
    expires_at: datetime | None = None

    def fingerprint(self) -> bytes:
        """Equal for equal requests."""
        said = (self.customer_id, self.points, self.reason, self.expires_at)
        return blake2b(repr(said).encode(), digest_size=16).digest()


def key_of(*, client: str, key: str) -> str:
    """The ledger's key for a caller's key: prefixed, so that nobody can occupy one of ours."""
    return f"api:{client}:{key}"


def adjust_points(
    workspace: Workspace, heard: Heard, member: Member, wanted: Adjustment, *, client: str, key: str
) -> Entry | None:
    """The balance is corrected; None: it was already, under the same key.

    Of an erased person no words are kept, not even the reason.
    Raises: KeyReused when the key stands for another request; InsufficientPoints.
    """
    header = Header(
        key=key_of(client=client, key=key),
        at=heard.at,
        actor=client,
        reason=wanted.reason if member.account.erased_at is None else None,
        fingerprint=wanted.fingerprint(),
    )
    known = workspace.done.get(entry_id(heard.merchant.merchant_id, header.key))
    if known is not None:
        if known.fingerprint != header.fingerprint:
            raise KeyReused(f"entry {known.entry_id} was made for another request")
        return None
    before = len(workspace.journal.entries)
    entry = _adjust(member, header, wanted)
    tell_expired(workspace, heard, member.book, workspace.journal.entries[before:])
    tell_adjusted(workspace, heard, member.book, entry)
    return entry


def _adjust(member: Member, header: Header, wanted: Adjustment) -> Entry:
    if wanted.points < 0:
        return adjust_down(member.book, header, points=-wanted.points)
    return adjust_up(member.book, header, points=wanted.points, expires_at=wanted.expires_at)
