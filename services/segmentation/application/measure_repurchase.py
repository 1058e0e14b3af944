"""The 90-day repurchase rate with its interval and mode."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from libs.kernel.intervals import Interval, wilson
from services.segmentation.application.ports import Measures
from services.segmentation.domain.repurchase import WINDOW_DAYS, Bands, Cohort, Mode, matured_cohort, mode


@dataclass(frozen=True, slots=True)
class RepurchaseRate:
    """The rate, the cohort that it was measured on, and the mode that it tells (None without a cohort)."""

    as_of: datetime
    cohort: Cohort
    rate: Interval
    repurchased: int
    mode: Mode | None
    anonymous: int


async def measure_repurchase(
    measures: Measures, merchant_id: UUID, bands: Bands, *, as_of: datetime | None, now: datetime
) -> RepurchaseRate:
    """The rate at `as_of`, or at `now` on all that is known."""
    at = as_of or now
    cohort = matured_cohort(at)
    found = await measures.repurchases(merchant_id, as_of, cohort, timedelta(days=WINDOW_DAYS))
    return RepurchaseRate(
        as_of=at,
        cohort=cohort,
        rate=wilson(found.repurchased, found.cohort),
        repurchased=found.repurchased,
        mode=mode(found.repurchased, found.cohort, bands),
        anonymous=found.anonymous,
    )
