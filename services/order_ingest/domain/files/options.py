"""What a file does not say about itself, and its owner has to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from services.order_ingest.domain.files.detection import DateOrder
from services.order_ingest.domain.files.errors import UnfitOptions

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Given once for a whole file.

    `time_zone`: IANA name, for times without offset. `locale`: the store's, whose country is the default for phone
    numbers. `decimal_comma` and `date_order`: as the whole file writes them. `tax_included`: whether prices hold the
    tax; None leaves it to the figures, or to what the marketplace does. `mapping`: canonical field -> header, for a
    preset without headers of its own.
    """

    time_zone: str | None = None
    currency: str | None = None
    locale: str | None = None
    decimal_comma: bool = False
    date_order: DateOrder = DateOrder.UNAMBIGUOUS
    tax_included: bool | None = None
    mapping: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def __post_init__(self) -> None:
        """Raises: UnfitOptions when the time zone does not exist."""
        try:
            ZoneInfo(self.time_zone or "UTC")
        except (LookupError, ValueError, OSError) as error:
            raise UnfitOptions("time_zone must be the IANA name of a time zone") from error

    @property
    def region(self) -> str | None:
        """The country in the store's locale."""
        parts = (self.locale or "").replace("_", "-").split("-")
        return parts[-1].upper() if len(parts) > 1 and len(parts[-1]) == 2 else None
