"""A product as order lines describe it, until its own deliveries are listened to."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from services.order_ingest.domain.changes import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One product of one store; `digest` stands for all that is told of it.

    The price is left out on purpose: a line's price is what one order paid, and would make every sale a change.
    """

    product_id: UUID
    external_id: str
    version_us: int
    digest: bytes
    line: Line | None = None


def digest(line: Line) -> bytes:
    """Equal for lines that describe the product alike."""
    words = (
        line.title,
        line.brand or "",
        "\x1e".join(line.category_path),
        line.material or "",
        line.category_type or "",
        str(line.units or ""),
    )
    return hashlib.blake2b("\x1f".join(words).encode(), digest_size=8).digest()


def is_news(known: Product | None, *, version_us: int, digest: bytes) -> bool:
    """True if the description differs from what is known and is not older.

    The version moves only with the description: a stamp for every sale would rewrite each product's row with each
    order, and what is lost is only which of two orders' words for one product counts as later.
    """
    return known is None or (version_us >= known.version_us and digest != known.digest)
