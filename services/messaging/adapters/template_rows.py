"""Templates and their versions."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, text

from services.messaging.adapters.merchant_rows import template_of
from services.messaging.application.ports import Unit
from services.messaging.domain.templates import Content, Template, TemplateVersion

_ALL = text("SELECT t.*, t.name AS template_name FROM template t WHERE merchant_no = :no ORDER BY name, template_id")
_FIND = text(
    """
    SELECT t.*, t.name AS template_name FROM template t
    WHERE (merchant_no, template_id) = (:no, :template_id) FOR NO KEY UPDATE
    """
)
_VERSIONS = text(
    """
    SELECT * FROM template_version WHERE (merchant_no, template_id) = (:no, :template_id) ORDER BY version DESC
    """
)
_VERSION = text(
    "SELECT * FROM template_version WHERE (merchant_no, template_id, version) = (:no, :template_id, :version)"
)
# A published version is never written again: the condition is the last guard, not the rule.
_PUT = text(
    """
    INSERT INTO template_version (merchant_no, template_id, version, state, subject, html, created_at, published_at)
    VALUES (:no, :template_id, :version, :state, :subject, :html, :created_at, :published_at)
    ON CONFLICT (merchant_no, template_id, version) DO UPDATE SET state = excluded.state, subject = excluded.subject,
        html = excluded.html, published_at = excluded.published_at
    WHERE template_version.state = 'draft'
    """
)
_IN_USE = text(
    """
    UPDATE template SET published_version = :version WHERE (merchant_no, template_id) = (:no, :template_id)
    """
)


class PostgresTemplates:
    """The port on this service's database."""

    async def all(self, unit: Unit) -> Sequence[Template]:
        return [template_of(row) for row in await unit.connection.execute(_ALL, {"no": unit.tenant})]

    async def find(self, unit: Unit, template_id: UUID) -> Template | None:
        row = (await unit.connection.execute(_FIND, {"no": unit.tenant, "template_id": template_id})).one_or_none()
        return template_of(row) if row is not None else None

    async def versions(self, unit: Unit, template_id: UUID) -> Sequence[TemplateVersion]:
        rows = await unit.connection.execute(_VERSIONS, {"no": unit.tenant, "template_id": template_id})
        return [_version(row) for row in rows]

    async def version(self, unit: Unit, template_id: UUID, number: int) -> TemplateVersion | None:
        keys = {"no": unit.tenant, "template_id": template_id, "version": number}
        row = (await unit.connection.execute(_VERSION, keys)).one_or_none()
        return _version(row) if row is not None else None

    async def put_version(self, unit: Unit, version: TemplateVersion) -> None:
        await unit.connection.execute(
            _PUT,
            {
                "no": unit.tenant,
                "template_id": version.template_id,
                "version": version.version,
                "state": version.state,
                "subject": version.content.subject,
                "html": version.content.html,
                "created_at": version.created_at,
                "published_at": version.published_at,
            },
        )

    async def publish(self, unit: Unit, version: TemplateVersion) -> None:
        await self.put_version(unit, version)
        keys = {"no": unit.tenant, "template_id": version.template_id, "version": version.version}
        await unit.connection.execute(_IN_USE, keys)


def _version(row: Row[tuple[object, ...]]) -> TemplateVersion:
    return TemplateVersion(
        template_id=row.template_id,
        version=row.version,
        state=row.state,
        content=Content(row.subject, row.html),
        created_at=row.created_at,
        published_at=row.published_at,
    )
