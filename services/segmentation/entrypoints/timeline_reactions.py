"""Reactions to what other services did for a customer: one timeline that every channel shares."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from libs.contracts.loyalty import (
    PointsClawedBackV1,
    PointsEarnedV1,
    TierDowngradedV1,
    TierRetainedV1,
    TierUpgradedV1,
)
from libs.contracts.messaging import MessageHandedOffV1
from services.segmentation.application.workspace import Workspace
from services.segmentation.domain.timeline import Entry, entry_id


def on_points_earned(workspace: Workspace, event: Event[PointsEarnedV1]) -> None:
    fact = event.fact
    details = {**_points(fact), "available_at": _text(fact.available_at), "expires_at": _text(fact.expires_at)}
    _note(workspace, event, fact.customer_id, fact.entry_id, fact.at, details)


def on_points_clawed_back(workspace: Workspace, event: Event[PointsClawedBackV1]) -> None:
    fact = event.fact
    details = {**_points(fact), "debt_added": fact.debt_added, "reason": fact.reason}
    _note(workspace, event, fact.customer_id, fact.entry_id, fact.at, details)


def on_tier_decided(workspace: Workspace, event: Event[TierUpgradedV1 | TierDowngradedV1 | TierRetainedV1]) -> None:
    fact = event.fact
    details = {"from_tier": fact.from_tier, "to_tier": fact.to_tier, "valid_until": _text(fact.valid_until)}
    _note(workspace, event, fact.customer_id, event.id, event.envelope.occurred_at, details)


def on_message_handed_off(workspace: Workspace, event: Event[MessageHandedOffV1]) -> None:
    fact = event.fact
    details = {
        "message_id": str(fact.message_id),
        "channel": fact.channel,
        "message_class": fact.message_class,
        "template_id": str(fact.template_id),
        "template_version": fact.template_version,
    }
    _note(workspace, event, fact.customer_id, fact.message_id, fact.at, details)


def _note(
    workspace: Workspace,
    event: Event[Fact],
    customer_id: UUID,
    about: UUID,
    at: datetime,
    details: Mapping[str, Any],
) -> None:
    kind = event.envelope.type.rpartition(".v")[0]
    entry = Entry(entry_id(about, kind), customer_id, at, kind, None, details)
    workspace.shop(event.merchant_id).note(entry)


def _points(fact: PointsEarnedV1 | PointsClawedBackV1) -> dict[str, Any]:
    order_id = fact.cause.order_id
    return {"points": fact.points, "wallet": fact.wallet, "order_id": str(order_id) if order_id else None}


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
