"""Who asks for all that is kept is answered once, in parts that fit, from one snapshot."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from libs.contracts.customers import CustomerDataRequestedV1
from libs.contracts.envelope import Envelope, Event
from libs.eventbus.outbox import seed_topic
from libs.eventbus.schema import ensure_partitions
from libs.servicekit.clock import SystemClock
from libs.servicekit.data_export import PART_CHARACTERS, Kept, export_loop, notes_of
from libs.servicekit.sealing import Sealer
from libs.servicekit.tenancy import merchant_numbers
from libs.servicekit.timers import TimerLoop, schedule
from libs.servicekit.unit_of_work import UnitOfWork
from tests.exported import opened
from tests.libs.servicekit.storage.conftest import NOW, Kit

SEALER = Sealer([Fernet.generate_key().decode()], b"match-key-of-the-tests")
CUSTOMER = UUID("018f0000-0000-7000-8000-00000000000a")
REQUEST = UUID("018f0000-0000-7000-8000-00000000000b")


def asked(merchant_id: UUID) -> Event[CustomerDataRequestedV1]:
    fact = CustomerDataRequestedV1(customer_id=CUSTOMER, request_id=REQUEST, requested_at=NOW)
    envelope = Envelope(
        id=uuid4(),
        source="order-ingest",
        type=fact.TYPE,
        subject=fact.subject,
        merchant_id=merchant_id,
        occurred_at=NOW,
        recorded_at=NOW,
        origin="live",
        correlation_id="the conversation",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    return Event(envelope, fact)


class Tables:
    """Stands for what a service keeps, and remembers what it was asked for."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.asked: list[tuple[int, UUID]] = []

    async def __call__(self, snapshot: UnitOfWork, merchant_no: int, customer_id: UUID) -> Kept:
        assert await snapshot.connection.scalar(text("SHOW transaction_isolation")) == "repeatable read"
        self.asked.append((merchant_no, customer_id))
        return self.kept


def loop(kit: Kit, gather: Any) -> TimerLoop:
    return export_loop(kit.worker, gather, SEALER, kit.clock, topic="loyalty")


async def note(kit: Kit, event: Event[CustomerDataRequestedV1]) -> int:
    async with kit.worker.begin() as uow:
        await ensure_partitions(uow.connection, SystemClock().now())
        await seed_topic(uow.connection, "loyalty")
        numbers = await merchant_numbers(uow.connection, [kit.merchant])
        await schedule(uow.connection, notes_of([event], numbers, NOW))
    return numbers[kit.merchant]


async def told(kit: Kit) -> Sequence[Any]:
    async with kit.worker.begin() as uow:
        rows = await uow.connection.execute(
            text(
                "SELECT topic, subject, CAST(headers AS jsonb) AS headers,"
                " CAST(convert_from(payload, 'UTF8') AS jsonb) AS fact FROM outbox ORDER BY lane, seq"
            )
        )
        return rows.all()


async def test_an_answer_is_told_once_with_the_event_that_asked_as_its_cause(kit: Kit) -> None:
    event, tables = asked(kit.merchant), Tables({})
    number = await note(kit, event)

    assert await loop(kit, tables).run_due() == 1
    assert await loop(kit, tables).run_due() == 0

    [row] = await told(kit)
    assert tables.asked == [(number, CUSTOMER)]
    assert (row.topic, row.subject) == ("loyalty", str(CUSTOMER))
    assert row.headers["ce_causationid"] == str(event.id)
    assert row.headers["ce_correlationid"] == "the conversation"
    assert row.headers["ce_traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert {**row.fact, "data_sealed": ""} == {
        "customer_id": str(CUSTOMER),
        "request_id": str(REQUEST),
        "service": "loyalty",
        "part": 1,
        "parts": 1,
        "data_sealed": "",
        "completed_at": "2026-03-01T12:00:00Z",
    }
    assert opened([row.fact], SEALER) == {}


async def test_a_large_answer_comes_in_parts_that_join(kit: Kit) -> None:
    dice = random.Random(3)
    large = {"things": [{"noise": dice.randbytes(300).hex()} for _ in range(1500)]}
    await note(kit, asked(kit.merchant))

    await loop(kit, Tables(large)).run_due()

    facts = [row.fact for row in await told(kit)]
    assert len(facts) == facts[0]["parts"] > 4
    assert max(len(SEALER.open(fact["data_sealed"])["data"]) for fact in facts) == PART_CHARACTERS
    assert opened(facts, SEALER) == large


async def test_ids_and_instants_are_texts_and_words_stay_as_they_are(kit: Kit) -> None:
    await note(kit, asked(kit.merchant))
    at = datetime(2025, 3, 9, 12, 30, 0, 5, tzinfo=UTC)
    row = {
        "id": CUSTOMER,
        "at": at,
        "on": date(2025, 2, 3),
        "rate": Decimal("7.10"),
        "n": 5,
        "none": None,
        "word": "Zoë",
    }

    await loop(kit, Tables({"things": [row]})).run_due()

    [fact] = [row.fact for row in await told(kit)]
    assert opened([fact], SEALER)["things"] == [
        {
            "id": str(CUSTOMER),
            "at": "2025-03-09T12:30:00.000005Z",
            "on": "2025-02-03",
            "rate": "7.10",
            "n": 5,
            "none": None,
            "word": "Zoë",
        }
    ]


async def test_what_cannot_be_gathered_now_is_asked_for_again(kit: Kit) -> None:
    async def fails(snapshot: UnitOfWork, merchant_no: int, customer_id: UUID) -> Kept:
        raise ConnectionError

    await note(kit, asked(kit.merchant))
    with pytest.raises(ConnectionError):
        await loop(kit, fails).run_due()
    assert await told(kit) == []

    await loop(kit, Tables({})).run_due()

    assert len(await told(kit)) == 1


async def test_one_request_that_comes_twice_is_answered_once(kit: Kit) -> None:
    event = asked(kit.merchant)
    await note(kit, event)
    await note(kit, event)

    await loop(kit, Tables({})).run_due()

    assert len(await told(kit)) == 1
