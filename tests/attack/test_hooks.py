"""A1, A2, A4 over every platform: what proves nothing is refused, what is signed is kept and never breaks the reader.

`ATTACK_BODIES` asks for more broken bodies of each kind than the usual 40.
"""

import asyncio
import copy
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.storefront import PULLED, Storefront
from tests.attack.hooks import ASKED_ONLY, SENDERS, Sender
from tests.running import Running
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import READER, Desk, Sent, storefront

BODIES: Final = int(os.environ.get("ATTACK_BODIES", "40"))
_FLIPS: Final = 24
_SEEN_WITHIN_SECONDS: Final = 8.0
_OVERLAP: Final = "PT1H"
every_sender = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.platform)


@every_sender
async def test_only_an_active_secret_of_the_store_opens_its_hook(running: Running, sender: Sender) -> None:
    """Each forgery is refused with 401 and leaves nothing; both secrets of a change-over open, an ended one not."""
    async with running.client("order_ingest", running.token(running.ours)) as client:
        store_id, path = await _store(client, sender)
        first, second = sender.secret, sender.other_secret
        genuine = await _post(client, path, sender, _body(sender), first)
        refused = [answer.status_code async for answer in _forged(client, path, sender)]
        kept = await _deliveries(client, store_id)

        await _rotate(client, store_id, second, overlap=_OVERLAP)
        both = [await _eventually(client, path, sender, secret, 200) for secret in (second, first)]
        await _rotate(client, store_id, first, overlap="PT0S")
        ended = await _eventually(client, path, sender, second, 401)

    assert (genuine.status_code, both, ended) == (200, [200, 200], 401)
    assert len(refused) > _FLIPS
    assert set(refused) == {401}
    assert len(kept) == 1


async def _store(client: httpx.AsyncClient, sender: Sender) -> tuple[str, str]:
    told = {"currency": "USD", **sender.store, "platform": sender.platform, "secret": sender.secret}
    shown = (await client.post("/v1/stores", json=told)).raise_for_status().json()
    return shown["store_id"], urlsplit(shown["hook_url"]).path


async def _rotate(client: httpx.AsyncClient, store_id: str, secret: str, *, overlap: str) -> None:
    told = {"secret": secret, "overlap": overlap}
    (await client.post(f"/v1/stores/{store_id}/credentials", json=told)).raise_for_status()


async def _deliveries(client: httpx.AsyncClient, store_id: str) -> Sequence[Any]:
    shown = (await client.get("/v1/deliveries", params={"store_id": store_id})).raise_for_status().json()
    items: Sequence[Any] = shown["items"]
    return items


def _body(sender: Sender, number: int = 0) -> bytes:
    """A body of the sender's that is none of its others."""
    [(_, told), *_] = sender.samples
    return bodies.encoded({**told, "number_of_this_test": number})


async def _post(client: httpx.AsyncClient, path: str, sender: Sender, body: bytes, secret: str) -> httpx.Response:
    headers = sender.sign(body, secret, f"m-{secrets.token_hex(8)}", int(time.time()))
    return await client.post(path, content=body, headers=dict(headers))


async def _eventually(client: httpx.AsyncClient, path: str, sender: Sender, secret: str, status: int) -> int:
    """The last answer to deliveries signed so: the hook remembers secrets for some seconds."""
    async with asyncio.timeout(_SEEN_WITHIN_SECONDS):
        for number in range(1_000):
            answer = await _post(client, path, sender, _body(sender, number), secret)
            if answer.status_code == status:
                break
            await asyncio.sleep(0.5)
    return answer.status_code


async def _forged(client: httpx.AsyncClient, path: str, sender: Sender) -> AsyncIterator[httpx.Response]:
    """Answers to deliveries that differ from a genuine one in one thing."""
    dice, body = random.Random(20261130), _body(sender)
    name = sender.signature
    now = int(time.time())
    genuine = dict(sender.sign(body, sender.secret, "m-forged", now))
    for _ in range(_FLIPS):
        flipped = bytearray(body)
        flipped[dice.randrange(len(body))] ^= 1 << dice.randrange(7)
        yield await client.post(path, content=bytes(flipped), headers=genuine)
    mark = genuine[name]
    letters = [place for place, letter in enumerate(mark[:-2]) if letter.isalnum() and place > 3]
    for place in dice.sample(letters, 8):
        other = "A" if mark[place] != "A" else "B"
        yield await client.post(path, content=body, headers={**genuine, name: mark[:place] + other + mark[place + 1 :]})
    for odd in ("", "v1,", "AAAA", mark[:-4], mark + "AAAA", "\u00e9" * 44):
        marked = [(key.encode(), told.encode("latin-1")) for key, told in {**genuine, name: odd}.items()]
        yield await client.post(path, content=body, headers=marked)
    yield await client.post(path, content=body, headers={key: told for key, told in genuine.items() if key != name})
    yield await client.post(path, content=b"", headers=genuine)
    yield await client.post(path, content=body, headers=dict(sender.sign(body, sender.other_secret, "m-o", now)))
    if sender.is_stamped:
        yield await client.post(path, content=body, headers={**genuine, "webhook-timestamp": str(now - 1)})
        yield await client.post(path, content=body, headers={**genuine, "webhook-id": "m-another"})
        for distance in (-301, 330):
            stale = dict(sender.sign(body, sender.secret, "m-stale", now + distance))
            yield await client.post(path, content=body, headers=stale)


# What every platform's words are read from, as the reader meets them.
_KINDS: Final = [
    *((each.platform, each.store, topic, body) for each in SENDERS for topic, body in each.samples),
    *((each.platform, each.store, PULLED, body) for each in SENDERS for body in each.pulled),
    *((platform, {"account": "acme"}, PULLED, body) for platform, found in ASKED_ONLY.items() for body in found),
]
every_kind = pytest.mark.parametrize(
    ("platform", "store", "topic", "body"),
    _KINDS,
    ids=[f"{kind[0]}-{kind[2] or kind[3].get('type')}" for kind in _KINDS],
)
_ODD: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["", " ", "\x00", "\ud800", "1e999", "-1", "0", "9" * 400, "2026-02-30T25:61:00Z", "NaN", "{}", "[]"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a body."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inside:
        yield from _places(each, (*path, name))


@st.composite
def _broken(draw: st.DrawFn, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with one to four places changed, or gone, or there twice."""
    found = copy.deepcopy(dict(body))
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(found))
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        target: Any = found
        for step in way:
            target = target[step]
        match draw(st.sampled_from(["replace", "replace", "drop", "double"])):
            case "drop":
                del target[last]
            case "double" if isinstance(target, list):
                target.append(copy.deepcopy(target[last]))
            case _:
                target[last] = draw(_ODD)
    return found


def _storefront(platform: str, store: Mapping[str, Any]) -> Storefront:
    known = {name: value for name, value in store.items() if name in ("account", "currency")}
    return storefront(platform, **known)


@every_kind
def test_a_broken_body_is_read_or_named_malformed_and_nothing_else(
    platform: str, store: Mapping[str, Any], topic: str, body: Mapping[str, Any]
) -> None:
    """What is signed is answered 200 and must not stop the lane that it queues in; no body takes a second."""
    shop = _storefront(platform, store)

    @settings(max_examples=BODIES, deadline=1_000, suppress_health_check=list(HealthCheck), database=None)
    @given(_broken(body))
    def read(broken: dict[str, Any]) -> None:
        desk = Desk()
        try:
            desk.apply(Sent(topic, broken, store=shop))
        except Malformed:
            event("malformed")

    read()


@every_kind
def test_a_delivery_that_comes_a_hundred_times_says_what_it_says_once(
    platform: str, store: Mapping[str, Any], topic: str, body: Mapping[str, Any]
) -> None:
    once, often = Desk(), Desk()
    sent = Sent(topic, dict(body), store=_storefront(platform, store))

    once.apply(sent)
    often.apply(*[sent] * 100)

    assert often.final() == once.final()
    assert often.facts == once.facts


def test_the_genuine_bodies_that_the_broken_ones_start_from_say_something() -> None:
    for platform, store, topic, body in _KINDS:
        READER.read(Sent(topic, dict(body), store=_storefront(platform, store)).letter())
