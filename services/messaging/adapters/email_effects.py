"""Mail as an effect: admitted when claimed, built and sent outside any transaction, told when settled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Row, text

from libs.contracts.envelope import Cause, Said
from libs.contracts.messaging import MessageHandedOffV1, MessageNotSentV1
from libs.servicekit.clock import Clock
from libs.servicekit.effects import Admission, Done, Drop, Effect, Failed, Outcome, Retry, Unknown
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.messaging.adapters.admissions import Candidate, admit
from services.messaging.adapters.mime import Mail, UnsafeHeader, mail_bytes
from services.messaging.adapters.smtp import Parcel, SmtpRelay
from services.messaging.application.ports import Renderer, TemplateBroken
from services.messaging.domain.intents import message_id
from services.messaging.domain.unsubscribe import Unsubscription, token_of

MAX_ATTEMPTS: Final = 12
LONGEST_WAIT: Final = timedelta(seconds=15)
"""For a free connection. A mail that has to wait longer goes back: with a slow relay its claim would run out."""

_SETTLE = text(
    """
    WITH settled AS (
        UPDATE intent i SET state = x.state, reason = x.reason, settled_at = :now
        FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:states AS text[]),
                    CAST(:reasons AS text[])) AS x(merchant_no, intent_id, state, reason)
        WHERE (i.merchant_no, i.intent_id) = (x.merchant_no, x.intent_id) AND i.settled_at IS NULL
        RETURNING i.*
    )
    SELECT s.*, m.merchant_id FROM settled s
    CROSS JOIN LATERAL (SELECT merchant_id FROM merchant m WHERE m.merchant_no = s.merchant_no OFFSET 0) m
    """
)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails come from, and where their links lead."""

    mail_from: str
    bounce_domain: str
    public_url: str
    unsubscribe_key: bytes


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A claimed mail before its call."""

    candidate: Candidate
    claimed_at: datetime


class EmailEffects:
    """One kind of effect. Marketing mail is sent at most once: what may have been sent is never sent again."""

    repeats_unknown = False
    max_attempts = MAX_ATTEMPTS

    def __init__(self, *, relay: SmtpRelay, renderer: Renderer, vault: Vault, sender: Sender, clock: Clock) -> None:
        self._relay = relay
        self._renderer = renderer
        self._vault = vault
        self._sender = sender
        self._clock = clock
        # Between claim and call; a mail that is claimed and lost with the process ends as `unknown`.
        self._prepared: dict[UUID, _Prepared] = {}

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """The oldest mails that may be sent are claimed; those that must not be are dropped, with the reason."""
        keys = {(effect.merchant_no, effect.effect_id) for effect in effects}
        decided = await admit(uow.connection, keys, vault=self._vault, now=now, at_most=at_most)
        self._prepared.update({each.intent.intent_id: _Prepared(each, now) for each in decided.admitted})
        return Admission(
            dropped={intent_id: Drop(reason) for (_, intent_id), reason in decided.refused.items()},
            later={intent_id for _, intent_id in decided.later},
        )

    async def call(self, effect: Effect) -> Outcome:
        """The mail is with the relay, or it is said what became of it."""
        prepared = self._prepared.pop(effect.effect_id, None)
        if prepared is None:
            return Failed("settled_before")
        if self._clock.now() - prepared.claimed_at > LONGEST_WAIT:
            return Retry("relay_slow")
        try:
            parcel = await self._parcel(prepared.candidate)
        except TemplateBroken:
            return Failed("template_broken")
        except UnsafeHeader:
            return Failed("unsafe_header")
        return await self._relay.send(parcel)

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """Each intent has its one outcome, and it is told."""
        settled = {(effect.merchant_no, effect.effect_id): _verdict(outcome) for effect, outcome in outcomes}
        keys = sorted(settled)
        rows = await uow.connection.execute(
            _SETTLE,
            {
                "merchants": [no for no, _ in keys],
                "ids": [intent for _, intent in keys],
                "states": [settled[key][0] for key in keys],
                "reasons": [settled[key][1] for key in keys],
                "now": now,
            },
        )
        for row in rows:
            uow.say(_told(row, now))

    async def _parcel(self, candidate: Candidate) -> Parcel:
        contact, sender = candidate.contact, self._sender
        assert contact.details is not None, "admitted without an address"
        mail = message_id(candidate.intent.intent_id)
        names = {"given_name": contact.details.given_name, "merchant_name": candidate.merchant_name}
        rendered = await self._renderer.render(candidate.content, {**candidate.intent.context, **names})
        recipient = contact.details.email or ""
        content = mail_bytes(
            Mail(
                sender_name=candidate.merchant_name,
                sender_address=sender.mail_from,
                recipient=recipient,
                message_id=f"<{mail}@{sender.bounce_domain}>",
                date=self._clock.now(),
                unsubscribe_url=self._unsubscribe_url(candidate),
                rendered=rendered,
            )
        )
        # VERP: a bounce names the message that it is about by the address it comes back to.
        return Parcel(sender=f"bounce+{mail.hex}@{sender.bounce_domain}", recipient=recipient, content=content)

    def _unsubscribe_url(self, candidate: Candidate) -> str:
        intent = candidate.intent
        wanted = Unsubscription(candidate.merchant_id, candidate.contact.customer_id, intent.channel, intent.topic)
        return f"{self._sender.public_url}/v1/u/{token_of(wanted, key=self._sender.unsubscribe_key)}"


def _verdict(outcome: Outcome) -> tuple[str, str]:
    """State and machine-readable reason of a final outcome."""
    match outcome:
        case Done():
            return "handed_off", "accepted"
        case Drop(reason=reason):
            return "suppressed", reason
        case Failed(reason=reason):
            return "failed", "gave_up" if reason.startswith("gave up") else reason
        case Unknown(reason=reason):
            return "unknown", reason.replace(" ", "_")
        case Retry():
            raise AssertionError("a retry is no outcome")


def _told(row: Row[tuple[object, ...]], now: datetime) -> Said:
    common = {
        "customer_id": row.customer_id,
        "intent_id": row.intent_id,
        "cause_fact_id": row.cause_fact_id,
        "channel": row.channel,
        "message_class": row.message_class,
        "template_id": row.template_id,
        "at": now,
    }
    if row.state == "handed_off":
        fact: MessageHandedOffV1 | MessageNotSentV1 = MessageHandedOffV1.model_validate(
            {**common, "message_id": message_id(row.intent_id), "template_version": row.template_version}
        )
    else:
        fact = MessageNotSentV1.model_validate({**common, "outcome": row.state, "reason": row.reason})
    cause = Cause(
        id=row.cause_fact_id, origin=row.origin, correlation_id=row.correlation_id, traceparent=row.traceparent
    )
    return Said(fact=fact, merchant_id=row.merchant_id, occurred_at=now, cause=cause)
