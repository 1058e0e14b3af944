"""Programmes and their versions: draft, change, publish; and the programme in figures."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from libs.servicekit import audit
from libs.servicekit.auth import Principal
from libs.servicekit.idempotency import Answer, Once, optional_key
from libs.servicekit.instants import Instant
from libs.servicekit.pagination import Page
from libs.servicekit.problems import Problem, conflict, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.loyalty.application.edit_programme import change_draft, draft_version, publish_version
from services.loyalty.application.errors import DraftChanged, UnknownProgramme, VersionNotDraft
from services.loyalty.application.views import ProgrammeView, VersionView
from services.loyalty.entrypoints.access import ProgrammesReader, ProgrammesWriter, TheKit, TheParts
from services.loyalty.entrypoints.examples import (
    CHANGE_REQUEST,
    DRAFT,
    DRAFT_REQUEST,
    PROGRAMME,
    PROGRAMME_ID,
    PUBLISHED,
    SUMMARY,
    VERSION,
    answer,
    page,
    request,
)
from services.loyalty.entrypoints.governing import published
from services.loyalty.entrypoints.programme_drafts import changes_of, etag_of, revision_of
from services.loyalty.entrypoints.programme_schemas import (
    ProgrammeDocument,
    SummaryDocument,
    VersionDocument,
    VersionRequest,
)

router = APIRouter(prefix="/v1/programmes", tags=["programmes"])

TheKey = Annotated[Once, Depends(optional_key)]
ProgrammeId = Annotated[UUID, Path(examples=[PROGRAMME_ID])]
VersionNumber = Annotated[int, Path(ge=1, le=10**6, examples=[1])]
IfMatch = Annotated[str, Header(description="The draft's ETag.", examples=['"1"'])]
AsOf = Annotated[Instant | None, Query(description="Instant of the figures; now if left out.")]


@router.get("", summary="List programmes", responses=answer(page(PROGRAMME)))
async def list_programmes(principal: ProgrammesReader, kit: TheKit, parts: TheParts) -> Page[ProgrammeDocument]:
    """Every merchant starts with one, whose first version holds at once."""
    async with kit.database.read(principal.merchant) as uow:
        found = await parts.programmes.all(uow)
    return Page(items=[_document(each) for each in found], next_cursor=None)


@router.get("/{programme_id}", summary="Show a programme with all its versions", responses=answer(PROGRAMME))
async def show_programme(
    programme_id: ProgrammeId, principal: ProgrammesReader, kit: TheKit, parts: TheParts
) -> ProgrammeDocument:
    """Drafts and published ones, by number."""
    async with kit.database.read(principal.merchant) as uow:
        found = await parts.programmes.find(uow, programme_id)
    if found is None:
        raise not_found("programme")
    return _document(found)


@router.get("/{programme_id}/versions/{number}", summary="Show a version", responses=answer(VERSION))
async def show_version(
    programme_id: ProgrammeId,
    number: VersionNumber,
    response: Response,
    principal: ProgrammesReader,
    kit: TheKit,
    parts: TheParts,
) -> VersionDocument:
    """With its ETag, which is needed to change a draft."""
    async with kit.database.read(principal.merchant) as uow:
        found = await parts.programmes.find(uow, programme_id)
    version = found.version(number) if found else None
    if version is None:
        raise not_found("version")
    response.headers["ETag"] = etag_of(version)
    return VersionDocument.of(version)


@router.post(
    "/{programme_id}/versions",
    status_code=201,
    summary="Draft the next version",
    response_model=VersionDocument,
    description="The draft says what the newest version says, with the changes given.",
    responses=answer(DRAFT, status=201),
    openapi_extra=request(DRAFT_REQUEST),
)
async def post_version(
    programme_id: ProgrammeId,
    wanted: VersionRequest,
    principal: ProgrammesWriter,
    kit: TheKit,
    parts: TheParts,
    once: TheKey,
) -> Any:  # the stored answer, as the key's first request got it
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            with _Refusals():
                version = await draft_version(parts.programmes, uow, programme_id, changes_of(wanted), now)
            await _note(uow, principal, "programme_version.draft", programme_id, version, now)
            return Answer(201, VersionDocument.of(version), {"ETag": etag_of(version)})

        return await once.run(uow, principal, run, now=now)


@router.patch(
    "/{programme_id}/versions/{number}",
    summary="Change a draft",
    responses=answer(DRAFT),
    openapi_extra=request(CHANGE_REQUEST),
)
async def patch_version(
    programme_id: ProgrammeId,
    number: VersionNumber,
    wanted: VersionRequest,
    response: Response,
    principal: ProgrammesWriter,
    kit: TheKit,
    parts: TheParts,
    if_match: IfMatch,
) -> VersionDocument:
    """Only what is given changes; 412 if somebody else changed it meanwhile, 409 once it is published."""
    async with kit.database.begin(principal.merchant) as uow:
        with _Refusals():
            version = await change_draft(
                parts.programmes, uow, programme_id, number, changes_of(wanted), seen_revision=revision_of(if_match)
            )
        await _note(uow, principal, "programme_version.change", programme_id, version, kit.clock.now())
    response.headers["ETag"] = etag_of(version)
    return VersionDocument.of(version)


@router.post(
    "/{programme_id}/versions/{number}/publication",
    summary="Publish a draft",
    response_model=VersionDocument,
    description="In force from its effective date, which may lie in the past: paid orders placed since then that "
    "earned nothing so far earn under it. Awards made under earlier versions stay as they are.",
    responses=answer(PUBLISHED),
)
async def post_publication(
    programme_id: ProgrammeId,
    number: VersionNumber,
    principal: ProgrammesWriter,
    kit: TheKit,
    parts: TheParts,
    once: TheKey,
) -> Any:  # the stored answer, as the key's first request got it
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            with _Refusals():
                version = await publish_version(
                    parts.programmes, uow, programme_id, number, merchant_id=principal.merchant, now=now
                )
            await _note(uow, principal, "programme_version.publish", programme_id, version, now)
            return Answer(200, VersionDocument.of(version))

        return await once.run(uow, principal, run, now=now)


@router.get("/{programme_id}/summary", summary="Show a programme in figures", responses=answer(SUMMARY))
async def show_summary(
    programme_id: ProgrammeId, principal: ProgrammesReader, kit: TheKit, parts: TheParts, as_of: AsOf = None
) -> SummaryDocument:
    """Points from the whole ledger; tiers from the orders of the year that ends at `as_of`."""
    at = as_of or kit.clock.now()
    async with kit.database.read(principal.merchant) as uow:
        found = await parts.programmes.find(uow, programme_id)
        if found is None:
            raise not_found("programme")
        programme = published(found, uow)
        summary = await parts.proofs.summary(uow, programme, at)
    return SummaryDocument.of(summary, [tier.name for tier in programme.governing(at).rules.tiers])


class _Refusals:
    """Inside it, what the use cases refuse leaves as a problem."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, UnknownProgramme):
            raise not_found("programme version") from error
        if isinstance(error, VersionNotDraft):
            raise conflict("version-published", "Published versions never change: draft the next one.") from error
        if isinstance(error, DraftChanged):
            detail = "The draft was changed meanwhile: read it again and send its new ETag."
            raise Problem("draft-changed", 412, "Precondition failed", detail) from error


def _document(view: ProgrammeView) -> ProgrammeDocument:
    versions = [VersionDocument.of(version) for version in view.versions]
    return ProgrammeDocument(programme_id=view.programme_id, name=view.name, versions=versions)


async def _note(
    uow: UnitOfWork, principal: Principal, action: str, programme_id: UUID, version: VersionView, now: datetime
) -> None:
    await audit.record(
        uow.connection,
        merchant_no=uow.merchant_no,
        actor=principal.subject,
        action=action,
        target=f"programme:{programme_id}:version:{version.number}",
        now=now,
        after=VersionDocument.of(version).model_dump(mode="json"),
    )
