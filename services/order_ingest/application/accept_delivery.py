"""Decides whether a knock at a hook's address is a delivery of its store: proved first, looked at never."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from libs.kernel.identifiers import derived_id
from libs.kernel.instants import NotAnInstant, instant_of
from services.order_ingest.domain.errors import BadSignature
from services.order_ingest.domain.platform_table import Platform
from services.order_ingest.domain.signatures import Secret, waste_time
from services.order_ingest.domain.storefront import PULLED

_TEXT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class HookStore:
    """A store as its hook needs it; `lane` is where its deliveries queue."""

    merchant_no: int
    store_no: int
    store_id: UUID
    platform: str
    domain: str | None
    lane: int
    secrets: Sequence[Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A proved delivery, body as received."""

    store: HookStore
    delivery_id: UUID
    dedupe: bytes
    topic: str | None
    triggered_at: datetime | None
    body: bytes
    body_sha256: bytes


def refuse(body: bytes) -> None:
    """Takes the time of a check, for an address that leads nowhere."""
    waste_time(body)


def accept(
    store: HookStore, platform: Platform, body: bytes, headers: Mapping[bytes, bytes], *, now: datetime
) -> Delivery:
    """The delivery, if one of the store's active secrets signed the body and the headers name the store's own shop.

    Raises:
        BadSignature: nothing proves it.
    """
    keys = [platform.key(secret.value) for secret in store.secrets if secret.is_active(now)]
    platform.verify(body, headers, keys, now)
    _check_shop(store, platform, headers)
    topic = _text(headers, platform.topic)
    if topic == PULLED:  # an unsigned header: it would raise the body above every other of the same instant
        raise BadSignature("the topic is none of the platform's")
    named = headers.get(platform.delivery_id, b"")[:_TEXT_LENGTH] if platform.delivery_id else b""
    # Without an id the content stands for itself: the same body under the same topic is the same delivery.
    identity = named or hashlib.sha256((topic or "").encode() + b"\x1f" + body).digest()
    return Delivery(
        store=store,
        delivery_id=derived_id(store.store_id, "delivery", identity.hex()),
        dedupe=hashlib.blake2b(identity, digest_size=16).digest(),
        topic=topic,
        triggered_at=_instant(headers, platform.triggered_at),
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
    )


def _check_shop(store: HookStore, platform: Platform, headers: Mapping[bytes, bytes]) -> None:
    # One app secret may sign for every shop: another shop's signed body must not be taken for this one's.
    if platform.shop_domain is None or store.domain is None:
        return
    if headers.get(platform.shop_domain, b"").decode("latin-1").lower() != store.domain.lower():
        raise BadSignature("the delivery names another shop")


def _text(headers: Mapping[bytes, bytes], name: bytes | None) -> str | None:
    if name is None or name not in headers:
        return None
    value = headers[name].decode("latin-1")[:_TEXT_LENGTH]
    if not value.isprintable():
        value = "".join(character for character in value if character.isprintable())
    return value or None


def _instant(headers: Mapping[bytes, bytes], name: bytes | None) -> datetime | None:
    text = _text(headers, name)
    if text is None:
        return None
    try:
        return instant_of(text)
    except NotAnInstant:
        return None
