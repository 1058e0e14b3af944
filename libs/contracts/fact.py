"""A fact: something that happened, in its owner's words, immutable for ever."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema

DATA_TOPICS = "*"
"""Topic of what every owner may tell, and of the records that a bus writes into every data topic."""


def rfc3339(instant: datetime) -> str:
    """The instant in UTC with `Z`, as every service writes it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Currency = Annotated[str, StringConstraints(min_length=3, max_length=3)]


class Part(BaseModel):
    """A nested value inside a fact: frozen, and as tolerant of unknown fields as the fact around it."""

    # hide_input_in_errors: a malformed fact must not carry personal data into logs and parked errors.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Fact(Part):
    """One published fact; each subclass fixes its wire name, its topic and the field that is its key.

    Validators stay out of facts: a year of orders is decoded by three consumers, and a fact that an owner
    told is true by definition. Types alone say what is well formed.
    """

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]
    SUBJECT: ClassVar[str]

    @property
    def subject(self) -> str:
        """The key that keeps all facts about one thing in order."""
        return str(getattr(self, self.SUBJECT))

    def to_bytes(self) -> bytes:
        """The JSON that the outbox holds and that no relay ever encodes again."""
        return self.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, payload: bytes) -> Self:
        """The fact that those bytes tell; unknown fields are ignored.

        Raises: pydantic.ValidationError when the bytes are not this fact.
        """
        return cls.model_validate_json(payload)
