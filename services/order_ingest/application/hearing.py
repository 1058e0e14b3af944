"""All that one batch of other services' facts concerns, in memory: loaded once, changed by the fold, stored once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from libs.contracts.coupons import CouponIssuedV1
from libs.contracts.envelope import Cause, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardStore:
    """A store that other services' facts name."""

    merchant_no: int
    store_no: int
    store_id: UUID
    platform: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A coupon whose code the store's checkout must know."""

    store: HeardStore
    coupon: CouponIssuedV1
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A customer who wants no marketing from the store on the channel any more; the event `cause_id` said so."""

    store: HeardStore
    customer_id: UUID
    channel: str
    at: datetime
    cause_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardAnswer:
    """A part of a service's answer to a request about privacy; `data_sealed` of an export's."""

    merchant_id: UUID
    request_id: UUID
    kind: str
    service: str
    part: int = 1
    parts: int = 1
    data_sealed: str | None = None


@dataclass(slots=True)
class Hearing:
    """What a batch from the bus has loaded and decided. Nothing here awaits."""

    stores: Mapping[tuple[UUID, UUID], HeardStore] = field(default_factory=dict)
    """By merchant and store."""
    knowing: Mapping[tuple[UUID, UUID], Sequence[HeardStore]] = field(default_factory=dict)
    """By merchant and customer: the stores that can be reached and have an id of their own for the customer."""
    publications: list[Publication] = field(default_factory=list)
    withdrawals: list[Withdrawal] = field(default_factory=list)
    answers: list[HeardAnswer] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
