"""A product as its own deliveries describe it, or as order lines do for as long as none has come."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.order_ingest.domain.catalogue import ProductWords
from services.order_ingest.domain.changes import Line

BY_LINE, BY_ITSELF = 0, 1
"""Who described it: what a product's own delivery says, no order's line changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product of one store; `digest` stands for all that is told of it."""

    product_id: UUID
    external_id: str
    version_us: int
    digest: bytes
    described_by: int = BY_LINE
    words: ProductWords | None = None


def words_of(line: Line) -> ProductWords:
    """What an order's line says of its product.

    The price is left out on purpose: a line's price is what one order paid, and would make every sale a change.
    """
    return ProductWords(
        title=line.title,
        brand=line.brand,
        category_path=line.category_path,
        material=line.material,
        category_type=line.category_type,
        units=line.units,
    )


def digest(words: ProductWords) -> bytes:
    """Equal for equal descriptions. It is made for every line of every order, hence by hand."""
    parts = [
        words.title,
        words.brand or "",
        "\x1e".join(words.category_path),
        words.material or "",
        words.category_type or "",
        str(words.units or ""),
    ]
    # Only products themselves say these: what lines say keeps the digest that it always had.
    if words.daily_use is not None or words.care_tips or words.price_minor is not None:
        daily_use = "" if words.daily_use is None else format(words.daily_use.normalize(), "f")
        parts += [daily_use, "\x1e".join(words.care_tips), str(words.price_minor)]
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()


def is_news(known: Product | None, *, version_us: int, digest: bytes, described_by: int) -> bool:
    """True if the description differs from what is known and is not older, or comes from who knows better.

    Of two that the product itself gives at one instant the larger digest holds, so that their order never matters.
    What order lines say moves the version only with the description: a stamp for every sale would rewrite each
    product's row with each order, and what is lost is only which of two orders' words counts as later.
    """
    if known is None or described_by > known.described_by:
        return True
    if described_by < known.described_by:
        return False
    if described_by == BY_ITSELF:
        return (version_us, digest) > (known.version_us, known.digest)
    return version_us >= known.version_us and digest != known.digest
