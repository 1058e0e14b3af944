"""Columns that the file's owner names: fields of the canonical order -> headers, checked before a row is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.order_ingest.domain.files.errors import Unconvertible, UnfitOptions
from services.order_ingest.domain.files.grouping import Grouping
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.rows import Row

REQUIRED_FIELDS: Final = frozenset({"id", "placed_at", "total_minor", "lines.title"})
FIELDS: Final = REQUIRED_FIELDS | frozenset(
    (
        *("number", "updated_at", "paid_at", "cancelled_at", "financial_status", "currency", "channel"),
        *("discount_codes", "shipping_minor", "tax_minor", "discount_minor", "refunds.amount_minor"),
        *("customer.id", "customer.email", "customer.phone", "customer.given_name", "customer.family_name"),
        *("customer.region", "customer.accepts_marketing"),
        *("lines.id", "lines.product_id", "lines.variant", "lines.brand", "lines.quantity"),
        *("lines.unit_price_minor", "lines.discount_minor", "lines.total_minor"),
    )
)
"""What may be mapped. `lines.total_minor`: what was paid for the row's goods after its discounts, without shipping."""

_NO_HEADER: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Columns:
    """The headers by canonical field; an unmapped field has one that no file has, so that its cells are empty."""

    mapping: Mapping[str, str]

    def __getitem__(self, field: str) -> str:
        return self.mapping[field].strip() if field in self.mapping else _NO_HEADER

    def __contains__(self, field: str) -> bool:
        return field in self.mapping

    def refuse_absent(self, row: Row) -> None:
        """Raises: Unconvertible when the file lacks a mapped column: a slip would quietly import orders of nobody."""
        for field in self.mapping:
            if self[field] not in row:
                raise Unconvertible(f"the file has no such column, which is mapped to {field}", self[field])


def grouping(options: Options) -> Grouping:
    """Rows of one order have the same mapped id.

    Raises:
        UnfitOptions: the mapping lacks a required field or names an unknown one, or there is no currency.
    """
    if missing := REQUIRED_FIELDS - options.mapping.keys():
        raise UnfitOptions(f"the mapping lacks {', '.join(sorted(missing))}")
    if unknown := options.mapping.keys() - FIELDS:
        raise UnfitOptions(f"the mapping names {', '.join(sorted(unknown))}, which cannot be mapped")
    if options.currency is None and "currency" not in options.mapping:
        raise UnfitOptions("currency must be given or mapped")
    return Grouping(by=Columns(options.mapping)["id"])
