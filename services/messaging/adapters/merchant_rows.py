"""Merchants with their templates; whoever is named first gets the working defaults at once."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.messaging.application.workspace import Merchant
from services.messaging.domain.admission import CapRule
from services.messaging.domain.templates import DEFAULT_CONTENT, Template, default_template

UNNAMED_CURRENCY = "XXX"
"""ISO 4217: no currency. Stands until merchant.registered was read."""

_FIND = text(
    """
    SELECT m.merchant_no, m.merchant_id, m.name, m.currency, m.time_zone, t.template_id, t.purpose,
        t.name AS template_name, t.channel, t.message_class, t.topic, t.published_version
    FROM unnest(CAST(:ids AS uuid[])) x(merchant_id) JOIN merchant m USING (merchant_id)
    LEFT JOIN template t USING (merchant_no)
    """
)
_ADD = text(
    """
    INSERT INTO merchant (merchant_id, name, currency, registered_at)
    SELECT x.id, '', :currency, :now FROM unnest(CAST(:ids AS uuid[])) x(id) ON CONFLICT DO NOTHING
    """
)
_ADD_TEMPLATES = text(
    """
    INSERT INTO template (merchant_no, template_id, purpose, name, channel, message_class, topic, published_version)
    SELECT m.merchant_no, x.template_id, :purpose, :name, :channel, :message_class, :topic, :published_version
    FROM unnest(CAST(:ids AS uuid[]), CAST(:template_ids AS uuid[])) x(merchant_id, template_id)
    JOIN merchant m USING (merchant_id) ORDER BY m.merchant_no ON CONFLICT DO NOTHING
    """
)
_ADD_VERSIONS = text(
    """
    INSERT INTO template_version (merchant_no, template_id, version, state, subject, html, created_at, published_at)
    SELECT m.merchant_no, x.template_id, 1, 'published', :subject, :html, :now, :now
    FROM unnest(CAST(:ids AS uuid[]), CAST(:template_ids AS uuid[])) x(merchant_id, template_id)
    JOIN merchant m USING (merchant_id) ORDER BY m.merchant_no ON CONFLICT DO NOTHING
    """
)
_ADD_POLICIES = text(
    """
    INSERT INTO policy (merchant_no, cap_messages, cap_days)
    SELECT m.merchant_no, :messages, :days FROM unnest(CAST(:ids AS uuid[])) x(merchant_id)
    JOIN merchant m USING (merchant_id) ORDER BY m.merchant_no ON CONFLICT DO NOTHING
    """
)
_NAME = text(
    """
    UPDATE merchant m SET name = x.name, currency = x.currency, time_zone = x.time_zone
    FROM unnest(CAST(:numbers AS int4[]), CAST(:names AS text[]), CAST(:currencies AS text[]),
                CAST(:zones AS text[])) x(merchant_no, name, currency, time_zone)
    WHERE m.merchant_no = x.merchant_no
    """
)


async def find_merchants(connection: AsyncConnection, merchant_ids: Collection[UUID]) -> dict[UUID, Merchant]:
    """The merchants among these that are known, with their templates."""
    rows = (await connection.execute(_FIND, {"ids": sorted(merchant_ids)})).all()
    by_merchant: dict[UUID, list[Row[tuple[object, ...]]]] = {}
    for row in rows:
        by_merchant.setdefault(row.merchant_id, []).append(row)
    return {merchant_id: _merchant(found) for merchant_id, found in by_merchant.items()}


async def ensure_merchants(
    connection: AsyncConnection, merchant_ids: Collection[UUID], now: datetime
) -> dict[UUID, Merchant]:
    """All of these merchants, each new one with its default template and policy.

    Facts about a customer may be read before merchant.registered, which has another key; so any fact will do.
    """
    found = await find_merchants(connection, merchant_ids)
    missing = sorted(set(merchant_ids) - set(found))
    if missing:
        await _lay_down(connection, missing, now)
        found = await find_merchants(connection, merchant_ids)
    return found


async def name_merchants(connection: AsyncConnection, merchants: Iterable[Merchant]) -> None:
    """Name, currency and time zone are as given."""
    named = sorted(merchants, key=lambda merchant: merchant.merchant_no)
    if named:
        await connection.execute(
            _NAME,
            {
                "numbers": [merchant.merchant_no for merchant in named],
                "names": [merchant.name for merchant in named],
                "currencies": [merchant.currency for merchant in named],
                "zones": [merchant.time_zone for merchant in named],
            },
        )


async def _lay_down(connection: AsyncConnection, merchant_ids: list[UUID], now: datetime) -> None:
    templates = [default_template(merchant_id) for merchant_id in merchant_ids]
    keys = {"ids": merchant_ids, "template_ids": [template.template_id for template in templates]}
    pattern, cap = templates[0], CapRule()
    await connection.execute(_ADD, {"ids": merchant_ids, "currency": UNNAMED_CURRENCY, "now": now})
    await connection.execute(
        _ADD_TEMPLATES,
        {
            **keys,
            "purpose": pattern.purpose,
            "name": pattern.name,
            "channel": pattern.channel,
            "message_class": pattern.message_class,
            "topic": pattern.topic,
            "published_version": pattern.published_version,
        },
    )
    await connection.execute(
        _ADD_VERSIONS, {**keys, "subject": DEFAULT_CONTENT.subject, "html": DEFAULT_CONTENT.html, "now": now}
    )
    await connection.execute(_ADD_POLICIES, {"ids": merchant_ids, "messages": cap.messages, "days": cap.days})


def _merchant(rows: list[Row[tuple[object, ...]]]) -> Merchant:
    first = rows[0]
    return Merchant(
        merchant_no=first.merchant_no,
        merchant_id=first.merchant_id,
        name=first.name,
        currency=first.currency,
        time_zone=first.time_zone,
        templates={row.purpose: template_of(row) for row in rows if row.template_id is not None},
    )


def template_of(row: Row[tuple[object, ...]]) -> Template:
    """The template that a row with `template_name` holds."""
    return Template(
        template_id=row.template_id,
        purpose=row.purpose,
        name=row.template_name,
        channel=row.channel,
        message_class=row.message_class,
        topic=row.topic,
        published_version=row.published_version,
    )
