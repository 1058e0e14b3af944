"""All that one batch of other services' facts concerns, in memory: loaded once, changed by the fold, stored once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from libs.contracts.coupons import CouponIssuedV1
from libs.contracts.envelope import Cause, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardStore:
    """A store that other services' facts name."""

    merchant_no: int
    store_no: int
    store_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A coupon whose code the store's checkout must know."""

    store: HeardStore
    coupon: CouponIssuedV1
    cause: Cause


@dataclass(slots=True)
class Hearing:
    """What a batch from the bus has loaded and decided. Nothing here awaits."""

    stores: Mapping[tuple[UUID, UUID], HeardStore] = field(default_factory=dict)
    """By merchant and store."""
    publications: list[Publication] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
