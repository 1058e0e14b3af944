"""The merchant's programme as it governs now."""

from datetime import datetime

from libs.servicekit.problems import not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.loyalty.application.parts import Parts
from services.loyalty.application.views import ProgrammeView
from services.loyalty.domain.programmes import Programme, Rules, Version


async def governing_rules(parts: Parts, uow: UnitOfWork, at: datetime) -> Rules:
    """The rules whose ladder and names hold at `at`.

    Raises: Problem 404 while the merchant has no programme.
    """
    programmes = await parts.programmes.all(uow)
    if not programmes:
        raise not_found("programme (yet)")
    return published(programmes[0], uow).governing(at).rules


def published(view: ProgrammeView, uow: UnitOfWork) -> Programme:
    """The programme with the versions that are, or will be, in force.

    Raises: Problem 404 where nothing was published.
    """
    assert uow.merchant_id is not None, "routes of loyalty act for a merchant"
    versions = tuple(Version(v.number, v.effective_at, v.rules) for v in view.versions if v.state == "published")
    if not versions:
        raise not_found("published programme")
    return Programme(view.programme_no, view.programme_id, uow.merchant_id, view.name, versions)
