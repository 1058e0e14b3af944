"""What customers say and do besides ordering, in our own JSON: read strictly, told once, whoever it turns out to be."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from libs.contracts.commerce import (
    BuyerMessageReceivedV1,
    CheckoutStartedV1,
    CustomerEventRecordedV1,
    ReviewPostedV1,
    TicketOpenedV1,
    TicketResolvedV1,
    VisitsReportedV1,
)
from libs.contracts.fact import Fact
from services.order_ingest.domain.canonical import (
    CONSENT_CAPTURED,
    CUSTOMER_TYPES,
    DEPENDANT_RECORDED,
    FULFILMENT_TYPES,
    ORDER_DELETED,
    ORDER_TYPES,
    PRODUCT_TYPES,
    REFUND_CREATED,
    RETURN_TYPES,
)
from services.order_ingest.domain.canonical_events import EXAMPLE_EVENTS
from services.order_ingest.domain.changes import Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import canonical
from services.order_ingest.domain.platforms.canonical_happenings import KINDS
from services.order_ingest.domain.platforms.canonical_privacy import PRIVACY_TYPES
from services.order_ingest.domain.reading import load
from services.order_ingest.domain.redaction import HIDDEN, redact
from services.order_ingest.domain.storefront import Arrival
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, STORE, Desk, Sent, storefront

_AT = "2026-05-10T09:30:00Z"
_SHOP = storefront("standard")
_ANN = {"id": "C-9", "email": "ann@example.com"}
_REVIEW = {
    "id": "RV-1",
    "at": _AT,
    "customer": _ANN,
    "product_id": "P-7",
    "order_id": "A-1001",
    "rating": 4,
    "sentiment": "positive",
    "text": "Keeps the tea warm",
    "verified": True,
}


def _sent(kind: str, **content: Any) -> Sent:
    return Sent(kind, {"type": kind, "timestamp": "2026-05-10T10:00:00Z", "data": content}, store=_SHOP)


def _told(*sent: Sent) -> list[Fact]:
    desk = Desk()
    desk.apply(*sent)
    return [fact for fact in desk.facts if not fact.TYPE.startswith("customer.")]


@pytest.mark.parametrize("kind", EXAMPLE_EVENTS)
def test_every_documented_event_is_heeded(kind: str) -> None:
    change = canonical.parse(load(encoded(EXAMPLE_EVENTS[kind])), Arrival(topic=None, at=NOW))

    assert not isinstance(change, Unheeded)


def test_every_kind_of_event_is_documented() -> None:
    known = ORDER_TYPES | CUSTOMER_TYPES | FULFILMENT_TYPES | RETURN_TYPES | PRODUCT_TYPES | KINDS
    known |= {ORDER_DELETED, REFUND_CREATED, CONSENT_CAPTURED, DEPENDANT_RECORDED}
    known |= PRIVACY_TYPES

    assert set(EXAMPLE_EVENTS) == known


@pytest.mark.parametrize("kind", EXAMPLE_EVENTS)
def test_an_operator_sees_nobody_in_an_event(kind: str) -> None:
    shown = str(redact(load(encoded(EXAMPLE_EVENTS[kind])))).lower()

    people = ("ann@", "'ann'", "kim", "bean", "2025-11-03", "female", "1990-02-28", "smith")
    assert [word for word in people if word in shown] == []


def test_an_operator_sees_ids_of_a_recipient_only() -> None:
    shown = redact({"recipient": {"id": "C-4", "title": "Dr Kim", "number": 5550123}})

    assert shown == {"recipient": {"id": "C-4", "title": HIDDEN, "number": HIDDEN}}


def test_a_review_is_about_its_product_and_order() -> None:
    [review] = _told(_sent("review.posted", **_REVIEW))

    assert isinstance(review, ReviewPostedV1)
    assert (review.product_id, review.order_id) == (_SHOP.product_id("P-7"), _SHOP.order_id("A-1001"))
    assert (review.rating, review.sentiment, review.text, review.verified) == (
        4,
        "positive",
        "Keeps the tea warm",
        True,
    )
    assert (review.at, review.store_id) == (datetime(2026, 5, 10, 9, 30, tzinfo=UTC), STORE)


def test_the_same_happening_is_told_once_and_another_kind_with_its_id_is_another() -> None:
    review, feedback = _sent("review.posted", **_REVIEW), _sent("feedback.received", **_REVIEW)
    desk = Desk()

    outcomes = desk.apply(review, feedback, review, _sent("review.posted", **{**_REVIEW, "rating": 1}))

    assert outcomes == ["applied", "applied", "no_news", "no_news"]
    assert [fact.TYPE for fact in desk.facts] == ["customer.registered.v1", "review.posted.v1", "feedback.received.v1"]


def test_somebody_unknown_is_registered_and_known_to_their_later_order() -> None:
    desk = Desk()
    order = {
        "id": "A-1",
        "updated_at": _AT,
        "placed_at": _AT,
        "currency": "USD",
        "customer": {"email": "ann@example.com"},
        "lines": [{"id": "1", "title": "Mug", "quantity": 1, "total_minor": 100}],
    }

    desk.apply(_sent("review.posted", **_REVIEW), _sent("order.created", **order))

    assert {str(fact.model_dump()["customer_id"]) for fact in desk.facts} == {str(next(iter(desk.people.customers)))}


def test_a_message_is_sealed_and_belongs_to_its_conversation() -> None:
    message = {"at": _AT, "customer": _ANN, "channel": "email", "topic": "delivery", "conversation_id": "T-5"}

    first, second = _told(
        _sent("buyer_message.received", id="M-1", text="Where is my mug?", **message),
        _sent("buyer_message.received", id="M-2", text=None, **message),
    )

    assert isinstance(first, BuyerMessageReceivedV1)
    assert isinstance(second, BuyerMessageReceivedV1)
    assert first.conversation_id == second.conversation_id
    assert first.message_id != second.message_id
    assert first.text_sealed == "[('text', 'Where is my mug?')]"
    assert second.text_sealed is None


def test_a_ticket_is_one_from_its_opening_to_its_end() -> None:
    ticket = {"id": "T-5", "customer": _ANN, "channel": "phone", "topic": "damaged"}

    opened, resolved = _told(
        _sent("ticket.opened", at=_AT, **ticket), _sent("ticket.resolved", at="2026-05-11T09:30:00Z", **ticket)
    )

    assert isinstance(opened, TicketOpenedV1)
    assert isinstance(resolved, TicketResolvedV1)
    assert opened.ticket_id == resolved.ticket_id
    assert resolved.at.day == 11


def test_properties_keep_their_kinds() -> None:
    properties = {"minutes": 4, "to_the_end": True, "guide": "brewing", "nothing": None}

    [event] = _told(
        _sent("customer_event.recorded", id="E-1", at=_AT, customer=_ANN, name="guide_read", properties=properties)
    )

    assert isinstance(event, CustomerEventRecordedV1)
    assert event.properties == {"minutes": 4, "to_the_end": True, "guide": "brewing"}
    assert CustomerEventRecordedV1.from_bytes(event.to_bytes()) == event


def test_a_checkout_may_say_what_is_in_it() -> None:
    bare, full = _told(
        _sent("checkout.started", id="K-1", at=_AT, customer=_ANN),
        _sent("checkout.started", id="K-2", at=_AT, customer=_ANN, total_minor=4418, currency="USD"),
    )

    assert isinstance(bare, CheckoutStartedV1)
    assert isinstance(full, CheckoutStartedV1)
    assert (bare.total_minor, full.total_minor, full.currency) == (None, 4418, "USD")


def test_a_corrected_number_of_visits_is_told_again() -> None:
    visits = {"day": "2026-05-09", "at": _AT}

    told = _told(*(_sent("visits.reported", count=count, **visits) for count in (1200, 1204, 1200)))

    assert [(fact.day, fact.count) for fact in told if isinstance(fact, VisitsReportedV1)] == [
        (date(2026, 5, 9), 1200),
        (date(2026, 5, 9), 1204),
    ]


def test_an_address_that_is_none_names_nobody() -> None:
    desk = Desk()

    outcomes = desk.apply(_sent("review.posted", **{**_REVIEW, "customer": {"email": "nobody"}}))

    assert (outcomes, desk.facts) == (["no_news"], [])


@pytest.mark.parametrize(
    ("kind", "changes", "place"),
    [
        ("review.posted", {"customer": None}, "/data/customer"),
        ("review.posted", {"customer": {"given_name": "Ann"}}, "/data/customer"),
        ("review.posted", {"id": None}, "/data/id"),
        ("review.posted", {"at": "yesterday"}, "/data/at"),
        ("review.posted", {"rating": 6}, "/data/rating"),
        ("review.posted", {"rating": 0}, "/data/rating"),
        ("review.posted", {"sentiment": "meh"}, "/data/sentiment"),
        ("review.posted", {"verified": "yes"}, "/data/verified"),
        ("ticket.opened", {}, "/data/channel"),
        ("social_action.performed", {"channel": "wechat"}, "/data/action"),
        ("customer_event.recorded", {"name": "x", "properties": {"a": 1.5}}, "/data/properties/a"),
        ("customer_event.recorded", {"name": "x", "properties": {"a": {}}}, "/data/properties/a"),
        (
            "customer_event.recorded",
            {"name": "x", "properties": dict.fromkeys("abcdefghijklmnopqrstu", 1)},
            "/data/prop",
        ),
        ("checkout.started", {"total_minor": 5}, "/data/currency"),
        ("checkout.started", {"total_minor": 5, "currency": "XXY"}, "/data/currency"),
        ("visits.reported", {"count": -1, "day": "2026-05-09"}, "/data/count"),
        ("visits.reported", {"count": 1, "day": "9 May"}, "/data/day"),
    ],
)
def test_a_complaint_says_where(kind: str, changes: dict[str, Any], place: str) -> None:
    desk = Desk()

    with pytest.raises(Malformed) as caught:
        desk.apply(_sent(kind, **{**_REVIEW, **changes}))

    assert str(caught.value).startswith(place)
