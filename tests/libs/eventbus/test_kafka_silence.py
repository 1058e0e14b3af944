"""Who hears nothing starts anew only where others are answered."""

import asyncio

import pytest

from libs.eventbus import kafka_silence
from libs.eventbus.errors import DeafConnection
from libs.eventbus.kafka_silence import Silence


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_silence, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(kafka_silence, "AGAIN_SECONDS", 0.1)


async def told(*, answers: bool, suspicious: bool = True, heard_every: float = 60.0) -> str | None:
    """What the judge says within a second and a half of looks, if anything."""

    async def broker() -> bool:
        return answers

    loop, silence = asyncio.get_running_loop(), Silence(broker)
    end, heard = loop.time() + 1.5, loop.time()
    while loop.time() < end:
        if loop.time() - heard >= heard_every:
            silence.broken()
            heard = loop.time()
        try:
            await silence.judge(suspicious=suspicious)
        except DeafConnection as said:
            return str(said)
        await asyncio.sleep(0.02)
    return None


async def test_silence_while_others_are_answered_is_an_error() -> None:
    assert "others are answered" in (await told(answers=True) or "")


async def test_a_broker_that_is_away_is_waited_for() -> None:
    assert await told(answers=False) is None


async def test_who_owns_nothing_hears_nothing() -> None:
    assert await told(answers=True, suspicious=False) is None


async def test_a_word_now_and_then_is_enough() -> None:
    assert await told(answers=True, heard_every=0.25) is None
