"""The rules as they applied to one award, frozen: later edits of the programme do not reach it."""

from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from json import dumps

from libs.kernel.money import exponent
from services.loyalty.domain.programmes import Rules


@dataclass(frozen=True, slots=True)
class Terms:
    """`numerator / denominator` points per minor unit of the order's currency, rounded down per order."""

    numerator: int
    denominator: int
    currency: str
    order_currency: str
    rule_version: int
    expires_after_days: int | None
    basis: str = "goods_paid"
    rounding: str = "down_per_order"

    def points(self, net_minor: int) -> int:
        """Points on what was paid for goods; rounded down."""
        return net_minor * self.numerator // self.denominator


@lru_cache(maxsize=4096)
def terms_id(terms: Terms) -> bytes:
    """16 bytes that follow from the content: equal terms are stored once."""
    return blake2b(content(terms).encode(), digest_size=16).digest()


def content(terms: Terms) -> str:
    """The terms as canonical JSON."""
    return dumps(asdict(terms), sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def freeze(rules: Rules, *, rule_version: int, order_currency: str, rate: Fraction) -> Terms:
    """The terms of an award under `rules`; `rate` converts order minor units into programme minor units."""
    per_minor = rate * rules.points_per_unit / 10 ** exponent(rules.currency)
    return Terms(
        numerator=per_minor.numerator,
        denominator=per_minor.denominator,
        currency=rules.currency,
        order_currency=order_currency,
        rule_version=rule_version,
        expires_after_days=rules.expires_after_days,
    )
