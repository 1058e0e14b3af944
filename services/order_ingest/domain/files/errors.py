"""What can be wrong with an exported file.

IngestError
├── Unconvertible       what the file says of one order cannot become a canonical order: that order is refused
└── UnfitOptions        the caller did not say what the preset needs to know: nothing can be converted
"""

from services.order_ingest.domain.errors import IngestError


class Unconvertible(IngestError):
    """One order cannot be converted; `column` says where. No cell is ever quoted: it may hold personal data."""

    def __init__(self, detail: str, column: str = "") -> None:
        super().__init__(f"{column}: {detail}" if column else detail)


class UnfitOptions(IngestError):
    """An option is missing, or is not what it must be."""
