"""Drafts are made, changed and published; what is published never changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.messaging.domain.templates import Content, Template, TemplateVersion


class NotADraft(ValueError):
    """The version is published already."""


class DraftChanged(ValueError):
    """The draft is another one than the editor saw."""


def draft_version(
    template: Template, versions: Sequence[TemplateVersion], content: Content, *, now: datetime
) -> TemplateVersion:
    """A draft with the next number."""
    newest = max((version.version for version in versions), default=0)
    return TemplateVersion(template.template_id, newest + 1, "draft", content, created_at=now)


def change_draft(version: TemplateVersion, content: Content, *, seen_digest: str) -> TemplateVersion:
    """The draft with other content.

    Raises: NotADraft; DraftChanged when somebody else changed it since `seen_digest` was read.
    """
    if version.state != "draft":
        raise NotADraft(f"version {version.version} is {version.state}")
    if version.content.digest != seen_digest:
        raise DraftChanged(f"version {version.version} was changed meanwhile")
    return replace(version, content=content)


def publish_version(version: TemplateVersion, *, now: datetime) -> TemplateVersion:
    """The version in use from now on; publishing a published one brings it back into use."""
    return replace(version, state="published", published_at=version.published_at or now)
