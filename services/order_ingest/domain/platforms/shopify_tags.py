"""The tags that staff give customers at Shopify.

Source: shopify.dev, "Webhooks", topics customer.tags_added and customer.tags_removed (2023-07 and later; camelCase);
until 2025-01 a customer's body lists all of them in one text. Shopify's own limits are at most these: 250 of 255.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from services.order_ingest.domain.persons import CustomerSeen, Person, TagsSaid
from services.order_ingest.domain.platforms.shopify_customer import customer_number
from services.order_ingest.domain.reading import Object, instant, microseconds, required, text, texts
from services.order_ingest.domain.storefront import Arrival
from services.order_ingest.domain.tags import LONGEST_TAG, MOST_TAGS

ADDED: Final = "customer.tags_added"
REMOVED: Final = "customer.tags_removed"
TAG_TOPICS: Final = frozenset({ADDED, REMOVED})
_LONGEST_LIST: Final = 1_000_000


def tags_changed(body: Object, arrival: Arrival) -> CustomerSeen:
    """Tags that were added to a customer, or taken away.

    Raises:
        Malformed: it does not say whose, or which.
    """
    at = instant(body, "occurredAt") or arrival.at
    required(body.get("tags"), "tags")
    tags, remark = _bounded(texts(body, "tags"))
    said = TagsSaid(at=at, held=tags) if arrival.topic == ADDED else TagsSaid(at=at, removed=tags)
    person = Person(external_id=customer_number(body, "customerId"), tags=said)
    return CustomerSeen(updated_us=microseconds(at), person=person, remark=remark)


def all_tags(body: Object, at: datetime) -> tuple[TagsSaid | None, str | None]:
    """All tags of the customer as a body lists them, and a remark if some were cut; None if it lists none."""
    if body.get("tags") is None:
        return None, None
    listed = text(body, "tags", length=_LONGEST_LIST) or ""
    tags, remark = _bounded(listed.split(","))
    return TagsSaid(at=at, held=tags, is_all=True), remark


def _bounded(found: Iterable[str]) -> tuple[tuple[str, ...], str | None]:
    """The tags, each once however it is spelt, and a remark if they are more or longer than a shop may make them."""
    whole = _each_once(tag.strip() for tag in found)
    kept = _each_once(tag[:LONGEST_TAG].strip() for tag in whole)[:MOST_TAGS]
    long = sum(len(tag) > LONGEST_TAG for tag in whole)
    if not long and len(whole) <= MOST_TAGS:
        return kept, None
    return kept, f"{len(whole)} tags, {long} of them longer than {LONGEST_TAG} characters: cut to {len(kept)}"


def _each_once(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple({tag.casefold(): tag for tag in tags if tag}.values())
