"""What is said of products."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductWords:
    """What a product is called and made of. `daily_use`: how much of one piece a day takes."""

    title: str
    brand: str | None = None
    category_path: tuple[str, ...] = ()
    material: str | None = None
    category_type: str | None = None
    units: int | None = None
    daily_use: Decimal | None = None
    care_tips: tuple[str, ...] = ()
    price_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSeen:
    """A version of a product, told by itself; `currency` is that of its price."""

    external_id: str
    updated_us: int
    words: ProductWords
    currency: str
