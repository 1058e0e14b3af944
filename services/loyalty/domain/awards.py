"""What an order is worth in points, and the one way in which the ledger gets there: converge, don't increment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.loyalty.domain.book import Book
from services.loyalty.domain.earning import Clawback, claw_back, earn
from services.loyalty.domain.entries import Entry, Header
from services.loyalty.domain.orders import Order
from services.loyalty.domain.programmes import RULE_NO, Programme
from services.loyalty.domain.terms import Terms, freeze

WHOLE_ORDER = ""
"""Line of an award for the whole order, where the rule treats all its lines alike."""


@dataclass(slots=True)
class Award:
    """What one rule gave for one order: `earned - reversed` is the order's worth at its last convergence."""

    merchant_no: int
    programme_no: int
    order_id: UUID
    terms: Terms
    line: str = WHOLE_ORDER
    rule_no: int = RULE_NO
    eligible: int = 0
    refunded: int = 0
    earned: int = 0
    reversed: int = 0
    revision: int = 0
    stored_revision: int | None = None
    touched: bool = False


@dataclass(frozen=True, slots=True)
class Occasion:
    """What made us look at the order again."""

    at: datetime
    cause: UUID | None = None
    reason: str | None = None


def award_for(programme: Programme, order: Order) -> Award | None:
    """A new award when the order is known and paid, and a version was in force when it was placed; else None.

    Its terms follow from the order alone (version in force when it was placed, rate pinned in it), so that they
    are the same whichever fact completes the picture. Without a rate there are none.
    """
    if order.told is None or order.paid_at is None:
        return None
    version = programme.in_force(order.told.placed_at)
    rate = order.rate_to(version.rules.currency) if version else None
    if version is None or rate is None:
        return None
    terms = freeze(version.rules, rule_version=version.number, order_currency=order.told.currency, rate=rate)
    return Award(order.merchant_no, programme.programme_no, order.order_id, terms)


def target(order: Order, terms: Terms) -> int:
    """Points that the order is worth now under the terms frozen for it."""
    return terms.points(order.net)


def converge(
    book: Book, programme: Programme, order: Order, award: Award, occasion: Occasion
) -> Entry | Clawback | None:
    """`earned - reversed` is the order's target; the difference is posted, if there is any."""
    award.touched = award.touched or (award.eligible, award.refunded) != (order.eligible, order.refunded)
    award.eligible, award.refunded = order.eligible, order.refunded
    missing = target(order, award.terms) - (award.earned - award.reversed)
    if not missing:
        return None
    award.revision += 1
    award.touched = True
    header = _header(programme, award, occasion)
    if missing < 0:
        award.reversed -= missing
        return claw_back(book, header, points=-missing)
    award.earned += missing
    available_at = order.told.window_ends_at if order.told else occasion.at
    expires_at = _expiry(award.terms, available_at, occasion.at)
    return earn(book, header, points=missing, available_at=available_at, expires_at=expires_at)


def _header(programme: Programme, award: Award, occasion: Occasion) -> Header:
    # The rule's identity, never its version: an edited rule or a replay must not pay twice.
    names = (programme.programme_id, award.order_id, award.line, programme.rule_id, award.revision)
    return Header(
        key="award:" + ":".join(map(str, names)),
        at=occasion.at,
        cause=occasion.cause,
        order_id=award.order_id,
        reason=occasion.reason,
    )


def _expiry(terms: Terms, available_at: datetime, at: datetime) -> datetime | None:
    if terms.expires_after_days is None:
        return None
    return max(available_at, at) + timedelta(days=terms.expires_after_days)
