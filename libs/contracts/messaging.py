"""Facts of messaging: what was sent, what was not and why, and which consent holds."""

from typing import ClassVar, Literal
from uuid import UUID

from libs.contracts.customers import ConsentChannel, ConsentProof, ConsentState
from libs.contracts.fact import Currency, Fact, Instant

MessageClass = Literal["transactional", "service", "marketing"]
NotSent = Literal["withheld", "suppressed", "failed", "unknown"]


class MessageHandedOffV1(Fact):
    """A message was accepted by the channel's provider."""

    TYPE: ClassVar[str] = "message.handed_off.v1"
    TOPIC: ClassVar[str] = "messaging"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    message_id: UUID
    intent_id: UUID
    cause_fact_id: UUID
    channel: ConsentChannel
    message_class: MessageClass
    template_id: UUID
    template_version: int
    journey_id: UUID | None = None
    campaign_id: UUID | None = None
    cost_minor: int | None = None
    currency: Currency | None = None
    at: Instant


class MessageNotSentV1(Fact):
    """An intent ended without a message: the outcome, and the machine-readable reason."""

    TYPE: ClassVar[str] = "message.not_sent.v1"
    TOPIC: ClassVar[str] = "messaging"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    intent_id: UUID
    cause_fact_id: UUID
    channel: ConsentChannel
    message_class: MessageClass
    template_id: UUID | None = None
    outcome: NotSent
    reason: str
    at: Instant


class ConsentChangedV1(Fact):
    """The consent that holds is another one now; stores are told of withdrawals."""

    TYPE: ClassVar[str] = "consent.changed.v1"
    TOPIC: ClassVar[str] = "messaging"
    SUBJECT: ClassVar[str] = "customer_id"

    customer_id: UUID
    channel: ConsentChannel
    topic: str
    from_state: ConsentState
    to_state: ConsentState
    proof: ConsentProof
    at: Instant


FACTS: tuple[type[Fact], ...] = (MessageHandedOffV1, MessageNotSentV1, ConsentChangedV1)
