"""What segmentation is told by its environment."""

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from libs.servicekit.settings import CommonSettings


class Settings(CommonSettings):
    """The common settings, and the bands of the repurchase mode."""

    hybrid_from: Decimal = Field(Decimal("0.15"), gt=0, lt=1, description="90-day repurchase rate where hybrid begins")
    loyalty_from: Decimal = Field(Decimal("0.30"), gt=0, lt=1, description="90-day rate where loyalty mode begins")

    @model_validator(mode="after")
    def _bands_in_order(self) -> Self:
        if self.hybrid_from >= self.loyalty_from:
            raise ValueError("HYBRID_FROM must be below LOYALTY_FROM")
        return self
