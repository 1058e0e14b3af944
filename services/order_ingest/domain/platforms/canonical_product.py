"""Products in our own JSON, translated."""

from typing import Final

from services.order_ingest.domain.catalogue import ProductSeen, ProductWords
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms.amounts import currency_of, decimal
from services.order_ingest.domain.reading import (
    Object,
    instant,
    integer,
    microseconds,
    own_id,
    required,
    text,
    texts,
)

CATEGORY_TYPES: Final = frozenset({"same_item", "variety", "durable"})


def product(source: Object) -> ProductSeen:
    """One version of a product."""
    return ProductSeen(
        external_id=own_id(source),
        updated_us=microseconds(required(instant(source, "updated_at"), "updated_at")),
        words=ProductWords(
            title=required(text(source, "title"), "title"),
            brand=text(source, "brand"),
            category_path=texts(source, "category_path"),
            material=text(source, "material"),
            category_type=category_type(source),
            units=_optional(source, "units"),
            daily_use=decimal(source, "daily_use") if source.get("daily_use") not in (None, "") else None,
            care_tips=texts(source, "care_tips"),
            price_minor=_optional(source, "price_minor"),
        ),
        currency=currency_of(source),
    )


def category_type(source: Object) -> str | None:
    """The kind of category under `category_type`, one of three."""
    found = text(source, "category_type")
    if found is not None and found not in CATEGORY_TYPES:
        raise Malformed(f"must be one of {', '.join(sorted(CATEGORY_TYPES))}", "/category_type")
    return found


def _optional(source: Object, name: str) -> int | None:
    return integer(source, name, least=0) if source.get(name) is not None else None
