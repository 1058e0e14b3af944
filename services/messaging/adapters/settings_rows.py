"""The merchant's list of suppressed addresses and the rules for all messages."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Row, text

from libs.servicekit.sealing import Sealer
from services.messaging.application.ports import Unit
from services.messaging.application.views import SuppressionView
from services.messaging.domain.admission import CapRule

_ADD = text(
    """
    INSERT INTO suppression (merchant_no, channel, address_hash, reason, suppression_id, at)
    VALUES (:no, :channel, :address_hash, 'manual', gen_random_uuid(), :at)
    ON CONFLICT (merchant_no, channel, address_hash, reason) DO UPDATE SET at = greatest(suppression.at, excluded.at)
    RETURNING *
    """
)
_REMOVE = text("DELETE FROM suppression WHERE (merchant_no, suppression_id) = (:no, :suppression_id) RETURNING *")
_PAGE = text(
    """
    SELECT * FROM suppression WHERE merchant_no = :no
        AND (CAST(:at AS timestamptz) IS NULL
             OR (at, suppression_id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY at DESC, suppression_id DESC LIMIT :limit
    """
)
_CAP = text("SELECT cap_messages, cap_days FROM policy WHERE merchant_no = :no")
_SET_CAP = text("UPDATE policy SET cap_messages = :messages, cap_days = :days WHERE merchant_no = :no")


class PostgresSuppressions:
    """The port on this service's database."""

    async def add(self, unit: Unit, *, channel: str, address_hash: str, at: datetime) -> SuppressionView:
        keys = {"no": unit.tenant, "channel": channel, "address_hash": address_hash, "at": at}
        return _view((await unit.connection.execute(_ADD, keys)).one())

    async def remove(self, unit: Unit, suppression_id: UUID) -> SuppressionView | None:
        keys = {"no": unit.tenant, "suppression_id": suppression_id}
        row = (await unit.connection.execute(_REMOVE, keys)).one_or_none()
        return _view(row) if row is not None else None

    async def page(self, unit: Unit, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[SuppressionView]:
        at, last = before or (None, None)
        rows = await unit.connection.execute(_PAGE, {"no": unit.tenant, "at": at, "id": last, "limit": limit})
        return [_view(row) for row in rows]


class PostgresPolicies:
    """The port on this service's database."""

    async def cap(self, unit: Unit) -> CapRule:
        row = (await unit.connection.execute(_CAP, {"no": unit.tenant})).one()
        return CapRule(row.cap_messages, row.cap_days)

    async def set_cap(self, unit: Unit, rule: CapRule) -> None:
        keys = {"no": unit.tenant, "messages": rule.messages, "days": rule.days}
        await unit.connection.execute(_SET_CAP, keys)


class SealerHashing:
    """The port on the installation's match key."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def hash_of(self, merchant_id: UUID, email: str) -> str:
        return self._sealer.blind_index(merchant_id, "email", _normalised(email))


def _normalised(email: str) -> str:
    """As order-ingest writes addresses before it hashes them."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.casefold()
    except EmailNotValidError:
        return email.strip().casefold()


def _view(row: Row[tuple[object, ...]]) -> SuppressionView:
    return SuppressionView(
        suppression_id=row.suppression_id,
        channel=row.channel,
        address_hash=row.address_hash,
        reason=row.reason,
        at=row.at,
    )
