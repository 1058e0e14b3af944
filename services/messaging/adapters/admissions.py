"""The sender's question, asked of the database in the transaction that claims the message: may it go out, now?

Consent, suppression and caps are read here and not when the message was planned: between the two a customer may have
said no, and a no is honoured at once.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.sealing import Vault
from services.messaging.adapters import consent_rows, contact_rows, suppression_rows
from services.messaging.adapters.intent_rows import columns, intent_of
from services.messaging.application.workspace import ConsentKey, Key, survivor_of
from services.messaging.domain.admission import CapRule, Reason, Standing, SuppressionReason, refusal
from services.messaging.domain.consent import Consent
from services.messaging.domain.contact import Contact
from services.messaging.domain.intents import Intent
from services.messaging.domain.templates import Content

# Probes are `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: one index probe per key, whatever the statistics say when
# the worker's generic plan is made.
_INTENTS = text(
    """
    SELECT i.*, m.merchant_id, m.merchant_name, v.subject, v.html, p.cap_messages, p.cap_days
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, intent_id)
    CROSS JOIN LATERAL (
        SELECT * FROM intent i WHERE i.merchant_no = x.merchant_no AND i.intent_id = x.intent_id
            AND i.state IN ('planned', 'claimed') OFFSET 0
    ) i
    CROSS JOIN LATERAL (
        SELECT merchant_id, name AS merchant_name FROM merchant m WHERE m.merchant_no = x.merchant_no OFFSET 0
    ) m
    CROSS JOIN LATERAL (SELECT * FROM policy p WHERE p.merchant_no = x.merchant_no OFFSET 0) p
    CROSS JOIN LATERAL (
        SELECT subject, html FROM template_version v WHERE v.merchant_no = x.merchant_no
            AND v.template_id = i.template_id AND v.version = i.template_version OFFSET 0
    ) v
    ORDER BY i.planned_at, i.merchant_no, i.intent_id
    """
)
# What was sent or may have been, the intents in question apart: a message that is tried again is one message.
_SENT = text(
    """
    SELECT x.merchant_no, x.customer_id, s.sent
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]), CAST(:since AS timestamptz[]))
        AS x(merchant_no, customer_id, since)
    CROSS JOIN LATERAL (
        SELECT count(*) AS sent FROM intent i
        WHERE i.merchant_no = x.merchant_no AND i.customer_id = x.customer_id AND i.claimed_at > x.since
            AND i.state IN ('claimed', 'handed_off', 'unknown') AND i.message_class = 'marketing'
            AND i.intent_id <> ALL (CAST(:ids AS uuid[]))
    ) s
    """
)
_CLAIM = text(
    """
    UPDATE intent i SET state = 'claimed', claimed_at = :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, intent_id)
    WHERE (i.merchant_no, i.intent_id) = (x.merchant_no, x.intent_id)
    """
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An intent with all that its mail is made of."""

    intent: Intent
    merchant_id: UUID
    merchant_name: str
    content: Content
    cap: CapRule
    contact: Contact


@dataclass(frozen=True, slots=True)
class Admissions:
    """Who may be written to, and why the others may not."""

    admitted: Sequence[Candidate]
    refused: Mapping[Key, Reason]
    later: Collection[Key]
    """Not judged: as many as may be sent at once were found among those before them."""


async def admit(
    connection: AsyncConnection, keys: Collection[Key], *, vault: Vault, now: datetime, at_most: int
) -> Admissions:
    """The open intents among `keys`, the oldest first, are claimed or refused until `at_most` are claimed.

    Customers are locked, which makes caps exact: two senders cannot both see the last free place.
    """
    candidates = await _candidates(connection, keys, vault)
    contacts = {_owner(candidate): candidate.contact for candidate in candidates}
    consents = await consent_rows.load_consents(connection, contacts)
    suppressed = await suppression_rows.suppressed_for(
        connection, {(no, found.email_hash) for (no, _), found in contacts.items() if found.email_hash}, channel="email"
    )
    sent = await _sent(connection, candidates, now)
    admitted: list[Candidate] = []
    refused: dict[Key, Reason] = {}
    judged = 0
    for candidate in candidates:
        if len(admitted) == at_most:
            break
        judged += 1
        owner = _owner(candidate)
        reasons = suppressed.get((owner[0], candidate.contact.email_hash or ""), set())
        reason = refusal(_standing(candidate, consents, reasons, sent[owner]), now=now)
        if reason is None:
            admitted.append(candidate)
            sent[owner] += candidate.intent.message_class == "marketing"
        else:
            refused[_key(candidate)] = reason
    await _claim(connection, admitted, now)
    return Admissions(admitted, refused, [_key(candidate) for candidate in candidates[judged:]])


async def _candidates(connection: AsyncConnection, keys: Collection[Key], vault: Vault) -> list[Candidate]:
    rows = (await connection.execute(_INTENTS, columns(sorted(keys)))).all()
    asked = {(row.merchant_no, row.customer_id) for row in rows}
    contacts = await contact_rows.lock_contacts(connection, asked, vault)
    return [
        Candidate(
            intent=intent_of(row),
            merchant_id=row.merchant_id,
            merchant_name=row.merchant_name,
            content=Content(row.subject, row.html),
            cap=CapRule(row.cap_messages, row.cap_days),
            contact=survivor_of(contacts, row.merchant_no, row.customer_id),
        )
        for row in rows
    ]


async def _sent(connection: AsyncConnection, candidates: Sequence[Candidate], now: datetime) -> Counter[Key]:
    windows = {_owner(candidate): now - timedelta(days=candidate.cap.days) for candidate in candidates}
    owners = sorted(windows)
    rows = await connection.execute(
        _SENT,
        {
            "merchants": [no for no, _ in owners],
            "customers": [customer for _, customer in owners],
            "since": [windows[owner] for owner in owners],
            "ids": [candidate.intent.intent_id for candidate in candidates],
        },
    )
    return Counter({(row.merchant_no, row.customer_id): row.sent for row in rows})


async def _claim(connection: AsyncConnection, admitted: Sequence[Candidate], now: datetime) -> None:
    keys = sorted(_key(candidate) for candidate in admitted)
    if keys:
        await connection.execute(_CLAIM, {**columns(keys), "now": now})


def _key(candidate: Candidate) -> Key:
    return candidate.intent.merchant_no, candidate.intent.intent_id


def _owner(candidate: Candidate) -> Key:
    return candidate.contact.merchant_no, candidate.contact.customer_id


def _standing(
    candidate: Candidate, consents: Mapping[ConsentKey, Consent], suppressed: Collection[SuppressionReason], sent: int
) -> Standing:
    intent, contact = candidate.intent, candidate.contact
    consent = consents.get((contact.merchant_no, contact.customer_id, intent.channel, intent.topic), Consent())
    return Standing(
        message_class=intent.message_class,
        erased=contact.erased_at is not None,
        consent=consent.state,
        email=contact.email,
        suppressed=frozenset(suppressed),
        planned_at=intent.planned_at,
        sent_in_window=sent,
        cap=candidate.cap,
    )
