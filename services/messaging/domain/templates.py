"""Templates: numbered versions, of which a published one never changes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from libs.kernel.identifiers import derived_id
from services.messaging.domain.intents import MessageClass

VersionState = Literal["draft", "published"]
POINTS_EARNED = "points_earned"


@dataclass(frozen=True, slots=True)
class Content:
    """What a version says, in Liquid."""

    subject: str
    html: str

    @property
    def digest(self) -> str:
        """The same for the same content, for ever."""
        return hashlib.sha256(f"{self.subject}\x1f{self.html}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Template:
    """What a purpose is said with; `published_version` is the newest version in use."""

    template_id: UUID
    purpose: str
    name: str
    channel: str
    message_class: MessageClass
    topic: str
    published_version: int


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template."""

    template_id: UUID
    version: int
    state: VersionState
    content: Content
    created_at: datetime
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as a customer would read it."""

    subject: str
    html: str
    text: str


SAMPLE: Mapping[str, int | str | None] = {
    "points": 59,
    "usable_points": 120,
    "pending_points": 59,
    "available_on": "2026-04-08",
    "expires_on": None,
    "given_name": "Ada",
    "merchant_name": "Cloud Leaf",
}
"""What a template of this purpose may say, with values for a preview."""

DEFAULT_CONTENT = Content(
    subject="You earned {{ points }} points at {{ merchant_name }}",
    html=(
        "<h1>Thank you{% if given_name %}, {{ given_name }}{% endif %}!</h1>\n"
        "<p>Your order earned you <strong>{{ points }} points</strong>"
        "{% if pending_points > 0 %}; they are yours to use from {{ available_on }}{% endif %}.</p>\n"
        "<p>You have {{ usable_points }} points to use now"
        "{% if pending_points > 0 %} and {{ pending_points }} on their way{% endif %}.</p>\n"
        "{% if expires_on %}<p>These points are good until {{ expires_on }}.</p>\n{% endif %}"
        "<p>{{ merchant_name }}</p>"
    ),
)


def default_template(merchant_id: UUID) -> Template:
    """The template that every merchant starts with; its id is the same wherever it is computed."""
    return Template(
        template_id=derived_id(merchant_id, "template", POINTS_EARNED),
        purpose=POINTS_EARNED,
        name="You earned points",
        channel="email",
        message_class="marketing",
        topic="marketing",
        published_version=1,
    )
