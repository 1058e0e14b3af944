"""A programme's next version: drafted, changed, published. What was published never changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.envelope import Said
from libs.contracts.loyalty import ProgrammePublishedV1
from services.loyalty.application.errors import DraftChanged, UnknownProgramme, VersionNotDraft
from services.loyalty.application.ports import Programmes, Transaction
from services.loyalty.application.views import ProgrammeView, VersionView


@dataclass(frozen=True, slots=True)
class Changes:
    """What a draft shall say; `rules` names fields of Rules, those left out stay."""

    effective_at: datetime | None
    rules: dict[str, Any]  # keyword arguments of Rules, validated at the edge


async def draft_version(
    programmes: Programmes, transaction: Transaction, programme_id: UUID, changes: Changes, now: datetime
) -> VersionView:
    """A draft stands that says what the newest version says, with the changes.

    Raises: UnknownProgramme.
    """
    programme = await _locked(programmes, transaction, programme_id)
    newest = programme.versions[-1]
    number = await programmes.add_draft(
        transaction,
        programme,
        rules=replace(newest.rules, **changes.rules),
        effective_at=changes.effective_at or now,
        now=now,
    )
    return await _version(programmes, transaction, programme_id, number)


async def change_draft(
    programmes: Programmes,
    transaction: Transaction,
    programme_id: UUID,
    number: int,
    changes: Changes,
    *,
    seen_revision: int,
) -> VersionView:
    """The draft says what the changes say.

    Raises: UnknownProgramme, VersionNotDraft, DraftChanged when `seen_revision` is not its revision now.
    """
    programme = await _locked(programmes, transaction, programme_id)
    version = _draft(programme, number)
    if version.revision != seen_revision:
        raise DraftChanged(f"version {number} is at revision {version.revision}")
    await programmes.change_draft(
        transaction,
        programme,
        number,
        rules=replace(version.rules, **changes.rules),
        effective_at=changes.effective_at or version.effective_at,
    )
    return await _version(programmes, transaction, programme_id, number)


async def publish_version(
    programmes: Programmes,
    transaction: Transaction,
    programme_id: UUID,
    number: int,
    *,
    merchant_id: UUID,
    now: datetime,
) -> VersionView:
    """The version is in force from its effective date; orders placed since then that earned nothing so far, earn.

    Raises: UnknownProgramme, VersionNotDraft.
    """
    programme = await _locked(programmes, transaction, programme_id)
    version = _draft(programme, number)
    await programmes.publish(transaction, programme, number, now)
    fact = ProgrammePublishedV1(
        programme_id=programme_id,
        name=programme.name,
        version=number,
        currency=version.rules.currency,
        effective_at=version.effective_at,
        published_at=now,
    )
    transaction.say(Said(fact, merchant_id, now, key=f"{programme_id}:{number}"))
    return await _version(programmes, transaction, programme_id, number)


async def _locked(programmes: Programmes, transaction: Transaction, programme_id: UUID) -> ProgrammeView:
    programme = await programmes.lock(transaction, programme_id)
    if programme is None:
        raise UnknownProgramme(f"programme {programme_id}")
    return programme


def _draft(programme: ProgrammeView, number: int) -> VersionView:
    version = programme.version(number)
    if version is None:
        raise UnknownProgramme(f"version {number} of programme {programme.programme_id}")
    if version.state != "draft":
        raise VersionNotDraft(f"version {number} is {version.state}")
    return version


async def _version(programmes: Programmes, transaction: Transaction, programme_id: UUID, number: int) -> VersionView:
    programme = await programmes.find(transaction, programme_id)
    version = programme.version(number) if programme else None
    if version is None:
        raise UnknownProgramme(f"version {number} of programme {programme_id}")
    return version
