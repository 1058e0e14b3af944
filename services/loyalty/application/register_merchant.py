"""A merchant starts with a programme that works."""

from datetime import datetime

from libs.contracts.loyalty import ProgrammePublishedV1
from services.loyalty.application.look_again import plan_next_close
from services.loyalty.application.telling import Heard, say
from services.loyalty.application.workspace import Registration, Timer, Workspace
from services.loyalty.domain.programmes import Programme, Version, default_programme_id, default_rules

CATCH_UP = "catch_up"
"""Timer that judges the orders which were heard of before the newest programme version."""

DEFAULT_PROGRAMME_NO = 1
_NAME = "Points"


def register_merchant(
    workspace: Workspace, heard: Heard, *, name: str, currency: str, time_zone: str, registered_at: datetime
) -> None:
    """The merchant's name is known, and a published programme counts orders from its registration on."""
    merchant = heard.merchant
    lays_down: Programme | None = None
    if merchant.programme is None:
        lays_down = merchant.programme = _default(heard, currency, registered_at)
        say(workspace, heard, _published(lays_down, registered_at), key=f"{lays_down.programme_id}:1")
        # Facts about its customers travel in other lanes and may have been here first.
        workspace.timers.append(Timer(merchant.merchant_no, CATCH_UP, "orders", workspace.now, {"after": ""}))
        plan_next_close(workspace, merchant.merchant_no, workspace.now)
    workspace.registrations.append(
        Registration(merchant.merchant_no, name, currency, time_zone, registered_at, lays_down)
    )


def _default(heard: Heard, currency: str, effective_at: datetime) -> Programme:
    merchant_id = heard.merchant.merchant_id
    return Programme(
        programme_no=DEFAULT_PROGRAMME_NO,
        programme_id=default_programme_id(merchant_id),
        merchant_id=merchant_id,
        name=_NAME,
        versions=(Version(1, effective_at, default_rules(currency)),),
    )


def _published(programme: Programme, at: datetime) -> ProgrammePublishedV1:
    version = programme.newest
    return ProgrammePublishedV1(
        programme_id=programme.programme_id,
        name=programme.name,
        version=version.number,
        currency=version.rules.currency,
        effective_at=version.effective_at,
        published_at=at,
    )
