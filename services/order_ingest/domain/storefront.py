"""A store as the translation of its deliveries needs it, and what its headers said about one delivery."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from libs.kernel.identifiers import derived_id

PULLED: Final = "pull/order"
"""The topic of an order that was fetched from the store's own API; no hook may use it."""


# Deriving ids is a fifth of an import's work: an order's id is asked for several times in a row, and shops sell the
# same products again and again.
@lru_cache(maxsize=4_096)
def _order_id(store_id: UUID, external_id: str) -> UUID:
    return derived_id(store_id, "order", external_id)


@lru_cache(maxsize=30_000)
def _product_id(store_id: UUID, external_id: str) -> UUID:
    return derived_id(store_id, "product", external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """One account on one platform and site."""

    store_id: UUID
    store_no: int
    merchant_id: UUID
    merchant_no: int
    platform: str
    account: str
    currency: str
    merchant_currency: str
    time_zone: str
    locale: str | None
    return_window_days: int

    @property
    def region(self) -> str | None:
        """The country that the store's locale names: the default for phone numbers without prefix."""
        parts = (self.locale or "").replace("_", "-").split("-")
        return parts[-1].upper() if len(parts) > 1 and len(parts[-1]) == 2 else None

    def order_id(self, external_id: str) -> UUID:
        return _order_id(self.store_id, external_id)

    def product_id(self, external_id: str) -> UUID:
        return _product_id(self.store_id, external_id)

    def line_id(self, order_external_id: str, line_external_id: str) -> UUID:
        return derived_id(self.store_id, "line", order_external_id, line_external_id)

    def refund_id(self, order_external_id: str, refund_external_id: str) -> UUID:
        return derived_id(self.store_id, "refund", order_external_id, refund_external_id)

    def fulfilment_id(self, order_external_id: str, fulfilment_external_id: str) -> UUID:
        return derived_id(self.store_id, "fulfilment", order_external_id, fulfilment_external_id)

    def return_id(self, order_external_id: str, return_external_id: str) -> UUID:
        return derived_id(self.store_id, "return", order_external_id, return_external_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known of one delivery apart from its body; `at` is the sender's time, else ours."""

    topic: str | None
    at: datetime
    source_rank: int = 0
