"""What the screens read: queries that skip the domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from libs.servicekit.sealing import Vault
from services.messaging.adapters.consent_rows import consent_of
from services.messaging.adapters.contact_rows import contact_of
from services.messaging.application.ports import Unit
from services.messaging.application.views import (
    ConsentView,
    ContactView,
    MessageFilter,
    MessageView,
    OutcomeCount,
    StatementView,
    Summary,
)
from services.messaging.domain.address import masked
from services.messaging.domain.contact import Contact
from services.messaging.domain.intents import OPEN, message_id

Before = tuple[datetime, UUID] | None

_CONTACT = text(
    """
    WITH RECURSIVE chain AS (
        SELECT c.customer_id, c.merged_into, ARRAY[c.customer_id] AS path FROM contact c
        WHERE (c.merchant_no, c.customer_id) = (:no, :customer_id)
        UNION ALL
        SELECT c.customer_id, c.merged_into, chain.path || c.customer_id FROM chain
        JOIN contact c ON (c.merchant_no, c.customer_id) = (:no, chain.merged_into)
        WHERE NOT c.customer_id = ANY (chain.path)
    )
    SELECT c.*, m.merchant_id FROM chain JOIN contact c ON (c.merchant_no, c.customer_id) = (:no, chain.customer_id)
    JOIN merchant m USING (merchant_no) WHERE c.merged_into IS NULL
    """
)
_CONSENTS = text(
    """
    SELECT * FROM consent
    WHERE (merchant_no, customer_id) = (:no, :customer_id) ORDER BY channel, topic
    """
)
_SUPPRESSED = text(
    "SELECT reason FROM suppression WHERE (merchant_no, address_hash) = (:no, :address_hash) ORDER BY reason"
)
_STATEMENTS = text(
    """
    WITH RECURSIVE family AS (
        SELECT CAST(:customer_id AS uuid) AS customer_id
        UNION
        SELECT c.customer_id FROM family JOIN contact c ON (c.merchant_no, c.merged_into) = (:no, family.customer_id)
    )
    SELECT e.* FROM family JOIN consent_entry e ON (e.merchant_no, e.customer_id) = (:no, family.customer_id)
    WHERE CAST(:at AS timestamptz) IS NULL OR (e.at, e.entry_id) < (CAST(:at AS timestamptz), CAST(:id AS uuid))
    ORDER BY e.at DESC, e.entry_id DESC LIMIT :limit
    """
)
_MESSAGES = text(
    """
    SELECT * FROM intent WHERE merchant_no = :no
        AND (CAST(:state AS text) IS NULL OR state = :state) AND (CAST(:reason AS text) IS NULL OR reason = :reason)
        AND (CAST(:customer_id AS uuid) IS NULL OR customer_id = :customer_id)
        AND (CAST(:at AS timestamptz) IS NULL
             OR (planned_at, intent_id) < (CAST(:at AS timestamptz), CAST(:id AS uuid)))
    ORDER BY planned_at DESC, intent_id DESC LIMIT :limit
    """
)
_MESSAGE = text("SELECT * FROM intent WHERE (merchant_no, intent_id) = (:no, :intent_id)")
_SUMMARY = text(
    """
    SELECT origin, state, reason, count(*) AS number FROM intent WHERE merchant_no = :no
    GROUP BY origin, state, reason ORDER BY origin, state, reason
    """
)
_OPEN: Final = frozenset(OPEN)


class PostgresReading:
    """The port on this service's database."""

    def __init__(self, *, vault: Vault) -> None:
        self._vault = vault

    async def contact(self, unit: Unit, customer_id: UUID) -> ContactView | None:
        keys = {"no": unit.tenant, "customer_id": customer_id}
        row = (await unit.connection.execute(_CONTACT, keys)).one_or_none()
        if row is None:
            return None
        found = contact_of(row, self._vault)
        consents = await unit.connection.execute(_CONSENTS, {"no": unit.tenant, "customer_id": found.customer_id})
        reasons = await unit.connection.execute(_SUPPRESSED, {"no": unit.tenant, "address_hash": found.email_hash})
        return _contact(customer_id, found, [_consent(each) for each in consents], [each.reason for each in reasons])

    async def statements(self, unit: Unit, customer_id: UUID, *, before: Before, limit: int) -> Sequence[StatementView]:
        keys = {"no": unit.tenant, "customer_id": customer_id, **_page(before, limit)}
        return [
            StatementView(
                entry_id=row.entry_id,
                channel=row.channel,
                topic=row.topic,
                state=row.state,
                made=row.made,
                source=row.source,
                text_version=row.text_version,
                at=row.at,
                recorded_at=row.recorded_at,
            )
            for row in await unit.connection.execute(_STATEMENTS, keys)
        ]

    async def messages(self, unit: Unit, wanted: MessageFilter, *, before: Before, limit: int) -> Sequence[MessageView]:
        keys = {
            "no": unit.tenant,
            "state": wanted.state,
            "reason": wanted.reason,
            "customer_id": wanted.customer_id,
            **_page(before, limit),
        }
        return [_message(row) for row in await unit.connection.execute(_MESSAGES, keys)]

    async def message(self, unit: Unit, intent_id: UUID) -> MessageView | None:
        row = (await unit.connection.execute(_MESSAGE, {"no": unit.tenant, "intent_id": intent_id})).one_or_none()
        return _message(row) if row is not None else None

    async def summary(self, unit: Unit) -> Summary:
        rows = (await unit.connection.execute(_SUMMARY, {"no": unit.tenant})).all()
        return Summary(
            open=sum(row.number for row in rows if row.state in _OPEN),
            outcomes=[
                OutcomeCount(row.origin, row.state, row.reason, row.number) for row in rows if row.state not in _OPEN
            ],
        )


def _page(before: Before, limit: int) -> dict[str, Any]:
    at, last = before or (None, None)
    return {"at": at, "id": last, "limit": limit}


def _contact(asked: UUID, found: Contact, consents: Sequence[ConsentView], suppressed: Sequence[Any]) -> ContactView:
    return ContactView(
        customer_id=found.customer_id,
        asked_customer_id=asked,
        email_masked=masked(found.email) if found.email else None,
        locale=found.locale,
        time_zone=found.time_zone,
        anonymous=found.anonymous,
        erased_at=found.erased_at,
        consents=consents,
        suppressed=suppressed,
    )


def _consent(row: Row[tuple[object, ...]]) -> ConsentView:
    holding = consent_of(row).holding
    assert holding is not None, "a consent without a statement is not stored"
    return ConsentView(channel=row.channel, topic=row.topic, state=holding.state, source=holding.source, at=holding.at)


def _message(row: Row[tuple[object, ...]]) -> MessageView:
    return MessageView(
        message_id=message_id(row.intent_id),
        intent_id=row.intent_id,
        customer_id=row.customer_id,
        cause_fact_id=row.cause_fact_id,
        purpose=row.purpose,
        channel=row.channel,
        topic=row.topic,
        message_class=row.message_class,
        template_id=row.template_id,
        template_version=row.template_version,
        origin=row.origin,
        state=row.state,
        outcome=None if row.state in _OPEN else row.state,
        reason=row.reason,
        context=row.context,
        planned_at=row.planned_at,
        settled_at=row.settled_at,
    )
