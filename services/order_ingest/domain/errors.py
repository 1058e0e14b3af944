"""What can be wrong with what a shop says.

IngestError
├── Malformed           the body is not what its platform promises: parked, never refused
├── BadSignature        nothing proves that the shop sent it
└── UnknownPlatform     no such platform
"""


class IngestError(Exception):
    """Something about an incoming delivery is wrong."""


class Malformed(IngestError):
    """The body cannot be read; `pointer` says where (RFC 6901), and no personal data is in the message."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(f"{pointer or '/'}: {detail}")
        self.detail = detail
        self.pointer = pointer

    def under(self, prefix: str) -> "Malformed":
        """The same complaint, seen from one level further out."""
        return Malformed(self.detail, f"/{prefix}{self.pointer}")


class BadSignature(IngestError):
    """No active secret made this signature, or its time is too far away."""


class UnknownPlatform(IngestError):
    """Nobody taught this service the platform's words."""
