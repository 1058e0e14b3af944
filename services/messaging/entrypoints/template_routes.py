"""`/v1/templates`: what messages say, in numbered versions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer
from libs.servicekit.problems import Flaw, Problem, conflict, not_found
from libs.servicekit.unit_of_work import UnitOfWork
from services.messaging.application.edit_template import (
    DraftChanged,
    NotADraft,
    change_draft,
    draft_version,
    publish_version,
)
from services.messaging.application.ports import Ports, TemplateBroken
from services.messaging.domain.templates import SAMPLE, Content, Rendered, Template, TemplateVersion
from services.messaging.entrypoints.asking import OnceOnly, TheKit, ThePorts, audited
from services.messaging.entrypoints.examples import answer, body
from services.messaging.entrypoints.schemas import (
    TEMPLATE_ID,
    ContentIn,
    PreviewIn,
    PreviewOut,
    TemplateOut,
    TemplatesOut,
    VersionOut,
    VersionsOut,
)

router = APIRouter(prefix="/v1/templates", tags=["templates"])

Reader = Annotated[Principal, Security(authenticated, scopes=["templates:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["templates:write"])]
TemplateId = Annotated[UUID, Path(examples=[TEMPLATE_ID])]
Number = Annotated[int, Path(ge=1, le=1_000_000, examples=[1])]
IfMatch = Annotated[str, Header(description="The ETag of the draft as it was read.")]


@router.get("", summary="List templates by name", responses=answer(TemplatesOut))
async def list_templates(principal: Reader, kit: TheKit, ports: ThePorts) -> TemplatesOut:
    """Every merchant starts with one template per purpose."""
    async with kit.database.read(principal.merchant) as uow:
        return TemplatesOut(items=[TemplateOut.model_validate(each) for each in await ports.templates.all(uow)])


@router.get(
    "/{template_id}/versions", summary="List a template's versions, newest first", responses=answer(VersionsOut)
)
async def list_versions(template_id: TemplateId, principal: Reader, kit: TheKit, ports: ThePorts) -> VersionsOut:
    """Drafts and published ones."""
    async with kit.database.read(principal.merchant) as uow:
        versions = await ports.templates.versions(uow, template_id)
    if not versions:
        raise not_found("template")
    return VersionsOut(items=[_shown(version) for version in versions])


@router.post(
    "/{template_id}/versions",
    status_code=201,
    response_model=VersionOut,
    summary="Draft a version of a template",
    responses=answer(VersionOut, status=201),
)
async def add_version(
    template_id: TemplateId,
    content: Annotated[ContentIn, body(ContentIn)],
    principal: Writer,
    kit: TheKit,
    ports: ThePorts,
    once: OnceOnly,
) -> Response:
    """Liquid that cannot be rendered is refused; nothing is sent with a draft."""
    wanted, now = Content(content.subject, content.html), kit.clock.now()
    await _rendered(ports, wanted)

    async def run() -> Answer:
        template = await _template(ports, uow, template_id)
        draft = draft_version(template, await ports.templates.versions(uow, template_id), wanted, now=now)
        await ports.templates.put_version(uow, draft)
        await audited(uow, principal, action="template.draft", target=f"{template_id}/{draft.version}", now=now)
        return Answer(201, _shown(draft), {"ETag": _etag(draft)})

    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, run, now=now)


@router.get("/{template_id}/versions/{number}", summary="Show one version", responses=answer(VersionOut))
async def show_version(
    template_id: TemplateId, number: Number, principal: Reader, kit: TheKit, ports: ThePorts, response: Response
) -> VersionOut:
    """With its ETag, which is needed to change a draft."""
    async with kit.database.read(principal.merchant) as uow:
        version = await _version(ports, uow, template_id, number)
    response.headers["ETag"] = _etag(version)
    return _shown(version)


@router.put("/{template_id}/versions/{number}", summary="Change a draft", responses=answer(VersionOut))
async def put_version(
    template_id: TemplateId,
    number: Number,
    content: Annotated[ContentIn, body(ContentIn)],
    principal: Writer,
    kit: TheKit,
    ports: ThePorts,
    response: Response,
    if_match: IfMatch,
) -> VersionOut:
    """412 if somebody else changed it meanwhile, 409 once it is published."""
    wanted, now = Content(content.subject, content.html), kit.clock.now()
    await _rendered(ports, wanted)
    async with kit.database.begin(principal.merchant) as uow:
        await _template(ports, uow, template_id)
        version = await _version(ports, uow, template_id, number)
        try:
            changed = change_draft(version, wanted, seen_digest=if_match.strip('"'))
        except NotADraft as error:
            raise conflict("version-published", "A published version never changes: draft a new one.") from error
        except DraftChanged as error:
            raise Problem("etag-mismatch", 412, "Precondition failed", "Read the draft again.") from error
        await ports.templates.put_version(uow, changed)
        await audited(uow, principal, action="template.change", target=f"{template_id}/{number}", now=now)
    response.headers["ETag"] = _etag(changed)
    return _shown(changed)


@router.post(
    "/{template_id}/versions/{number}/publication",
    response_model=VersionOut,
    summary="Use a version",
    responses=answer(VersionOut),
)
async def publish(
    template_id: TemplateId, number: Number, principal: Writer, kit: TheKit, ports: ThePorts, once: OnceOnly
) -> Response:
    """Messages planned from now on say this; messages planned before keep their version."""
    now = kit.clock.now()

    async def run() -> Answer:
        await _template(ports, uow, template_id)
        version = publish_version(await _version(ports, uow, template_id, number), now=now)
        await ports.templates.publish(uow, version)
        await audited(uow, principal, action="template.publish", target=f"{template_id}/{number}", now=now)
        return Answer(200, _shown(version))

    async with kit.database.begin(principal.merchant) as uow:
        return await once.run(uow, principal, run, now=now)


@router.post(
    "/{template_id}/versions/{number}/previews",
    summary="Render a version without sending it",
    responses=answer(PreviewOut),
)
async def preview(
    template_id: TemplateId,
    number: Number,
    wanted: Annotated[PreviewIn, body(PreviewIn)],
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
) -> PreviewOut:
    """Sanitised as a mail would be."""
    async with kit.database.read(principal.merchant) as uow:
        version = await _version(ports, uow, template_id, number)
    return PreviewOut.model_validate(await _rendered(ports, version.content, wanted.context))


async def _rendered(ports: Ports, content: Content, context: dict[str, int | str | None] | None = None) -> Rendered:
    try:
        return await ports.renderer.render(content, {**SAMPLE, **(context or {})})
    except TemplateBroken as broken:
        flaw = Flaw(pointer=f"/{broken.field}", detail=broken.detail)
        raise Problem("template-broken", 422, "The template cannot be rendered", "See errors.", [flaw]) from broken


async def _template(ports: Ports, uow: UnitOfWork, template_id: UUID) -> Template:
    found = await ports.templates.find(uow, template_id)
    if found is None:
        raise not_found("template")
    return found


async def _version(ports: Ports, uow: UnitOfWork, template_id: UUID, number: int) -> TemplateVersion:
    found = await ports.templates.version(uow, template_id, number)
    if found is None:
        raise not_found("template version")
    return found


def _shown(version: TemplateVersion) -> VersionOut:
    return VersionOut(
        template_id=version.template_id,
        version=version.version,
        state=version.state,
        subject=version.content.subject,
        html=version.content.html,
        created_at=version.created_at,
        published_at=version.published_at,
    )


def _etag(version: TemplateVersion) -> str:
    return f'"{version.content.digest}"'
