"""Exchange rates as HTTP takes and shows them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from libs.kernel.money import exponent
from services.order_ingest.domain.fx import FedRate, begin_of, rate_of
from services.order_ingest.entrypoints.shared import INSTANT

MOST_RATES: Final = 1000
_NEW: Final[dict[str, Any]] = {
    "from": "EUR",
    "to": "USD",
    "rate": "1.0837",
    "valid_from": "2026-05-01",
    "source": "ecb",
}


def _known(code: str) -> str:
    exponent(code)
    return code


Code = Annotated[str, Field(min_length=3, max_length=3, description="ISO 4217"), AfterValidator(_known)]


def _plain(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


PlainRate = Annotated[str, BeforeValidator(_plain)]
"""A rate in plain digits, never as 1E-7."""


class NewRate(BaseModel):
    """One unit of `from` is `rate` units of `to`, from `valid_from` until a rate with a later one."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_NEW]})

    from_currency: Code = Field(alias="from")
    to_currency: Code = Field(alias="to")
    rate: str = Field(
        min_length=1,
        max_length=25,
        description="Plain digits as text, greater than 0, at most 12 of them significant. Whole units: yen per euro.",
    )
    valid_from: str = Field(
        min_length=10,
        max_length=40,
        description="A date, which begins at midnight of the merchant's time zone, or an instant.",
    )
    source: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}$", description="Who says so.")

    @field_validator("rate")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        rate_of(value)
        return value

    @field_validator("valid_from")
    @classmethod
    def _is_begin(cls, value: str) -> str:
        begin_of(value, "UTC")
        return value

    @model_validator(mode="after")
    def _is_of_two(self) -> Self:
        if self.from_currency == self.to_currency:
            raise ValueError("a currency has no rate to itself")
        return self

    def fed(self, time_zone: str) -> FedRate:
        """The rate, its day begun by the clock of `time_zone`."""
        return FedRate(
            from_currency=self.from_currency,
            to_currency=self.to_currency,
            valid_from=begin_of(self.valid_from, time_zone),
            rate=rate_of(self.rate),
            source=self.source,
        )


class NewRates(BaseModel):
    """Rates to be added, no two of one pair of currencies and one instant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rates": [_NEW]}]})

    rates: list[NewRate] = Field(min_length=1, max_length=MOST_RATES)


class FedOut(BaseModel):
    """How many of the rates were news: the others held already, word for word."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"given": 1, "added": 1}]})

    given: int
    added: int


class RateOut(BaseModel):
    """A rate as it was fed. `holds` is false once another was fed for the same pair and `valid_from`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_NEW, "valid_from": "2026-05-01T04:00:00Z", "fed_at": INSTANT, "holds": True}]
        }
    )

    from_currency: str = Field(serialization_alias="from")
    to_currency: str = Field(serialization_alias="to")
    rate: PlainRate
    valid_from: datetime
    source: str
    fed_at: datetime
    holds: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The rate that a row holds."""
        return cls.model_validate(row)
