"""The documents that the API shows of the ledger as a whole."""

from datetime import datetime

from pydantic import Field

from services.loyalty.application.views import Finding
from services.loyalty.entrypoints.schemas import Document

_INSTANT = "2026-03-01T12:00:00Z"


class FindingDocument(Document):
    invariant: str = Field(examples=["I2"])
    meaning: str = Field(examples=["entries of a lot never take more than it held"])
    checked: int = Field(examples=[2469])
    violations: int = Field(examples=[0])

    @classmethod
    def of(cls, finding: Finding) -> "FindingDocument":
        return cls(
            invariant=finding.name, meaning=finding.meaning, checked=finding.checked, violations=finding.violations
        )


class ProofDocument(Document):
    """The ledger's invariants, all examined on one snapshot."""

    at: datetime = Field(examples=[_INSTANT])
    violations: int = Field(examples=[0])
    findings: list[FindingDocument]


class HashDocument(Document):
    """Equal for two ledgers with the same entries, whatever their local numbers and clocks."""

    hash: str = Field(examples=["5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8"])
    lines: int = Field(examples=[155848])
