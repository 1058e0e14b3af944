"""Golden vectors, and every way in which a signature can be wrong."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from services.order_ingest.domain.errors import BadSignature
from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.domain.signatures import Secret, unescaped_key
from tests.services.order_ingest import bodies

# Source: the published vector of the Standard Webhooks test suites.
_SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ID, _AT, _BODY = b"msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
_SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
_NOW = datetime.fromtimestamp(_AT, UTC)
_HEADERS = {b"webhook-id": _ID, b"webhook-timestamp": str(_AT).encode(), b"webhook-signature": _SIGNATURE}

STANDARD, SHOPIFY = PLATFORMS["standard"], PLATFORMS["shopify"]
_KEYS = [STANDARD.key(_SECRET)]
# Computed with `openssl dgst -sha256 -hmac hush -binary | base64` over the body.
_SHOPIFY_BODY, _SHOPIFY_KEY = b'{"id":450789469}', b"hush"
_SHOPIFY_DIGEST = b"QPF8T1ti8Gpf6xXRoKZDI2G/2Fp8v4tKnau8MqDdx3o="


_STAMP = str(_AT).encode()
# By platform: secret, body, signature and id; computed with `openssl dgst -sha256 -mac HMAC -macopt key:... -binary |
# base64` over the body, where there is an id over `id.time.body` (hexkey: of the decoded secret where it is `whsec_`).
_VECTORS = {
    "shopify": ("hush", b'{"id":450789469}', b"QPF8T1ti8Gpf6xXRoKZDI2G/2Fp8v4tKnau8MqDdx3o=", b""),
    "shoplazza": (
        "shoplazza-client-secret",
        b'{"order":{"id":"11218-00000001"}}',
        b"gTZMp0AEf6HiMXkgK8Ix1rrtQ7+/iVmgCJXp7r2DKGg=",
        b"",
    ),
    "woocommerce": (
        "a &amp; &lt;b&gt;",
        b'{"id":727,"number":"A-727"}',
        b"auAd4RUuZYkG8cjtgZEaZkXF7BSHly74+TgqPWL1lok=",
        b"",
    ),
    "bigcommerce": (
        "client-secret-0123456789",
        b'{"scope":"store/order/updated","producer":"stores/k3x9qd"}',
        b"v1,JeVBLd9dV4IeIbWFCuqSNiRy/XohqCOjNPqlz7QH4vw=",
        b"msg_1",
    ),
    "amazon": (
        f"whsec_{_SECRET}",
        b'{"NotificationType":"ORDER_CHANGE"}',
        b"v1,Ja7OfgYyvuFZEa3tnBCSpcEboSporOPegOriC/x1t1w=",
        b"8f1e2d3c",
    ),
    "taobao": (
        f"whsec_{_SECRET}",
        b'{"topic":"taobao_trade_TradeBuyerPay"}',
        b"v1,ytXJircldDhYWYyFkT6W35+ZLkFc+sHImt52x+GEnkE=",
        b"4160600490938325004",
    ),
    "standard": (f"whsec_{_SECRET}", _BODY, _SIGNATURE, _ID),
}
every_vector = pytest.mark.parametrize("name", _VECTORS)


def test_every_platform_with_hooks_has_a_golden_vector() -> None:
    assert _VECTORS.keys() == {name for name, platform in PLATFORMS.items() if platform.has_hooks}


def _verified(name: str, *, body: bytes | None = None, keys: list[bytes] | None = None, **changed: bytes) -> None:
    """Proves a platform's vector, with what is given in place of its own."""
    platform, (secret, signed, signature, message_id) = PLATFORMS[name], _VECTORS[name]
    headers = {platform.signed_by: changed.get("signature", signature)}
    if message_id:
        stamps = {b"webhook-id": message_id, b"webhook-timestamp": changed.get("stamp", _STAMP)}
        headers |= stamps
    own = [bytes(32), platform.key(secret)] if keys is None else keys
    platform.verify(signed if body is None else body, headers, own, _NOW)


@every_vector
def test_a_platforms_golden_vector_is_accepted_with_either_of_two_secrets(name: str) -> None:
    _verified(name)


@every_vector
def test_a_flipped_bit_of_a_vectors_body_signature_or_time_is_refused(name: str) -> None:
    for place in range(len(_VECTORS[name][1]) * 8):
        with pytest.raises(BadSignature):
            _verified(name, body=_flipped(_VECTORS[name][1], place))
    # The last letter of base64 has bits that stand for nothing.
    for place in range((len(_VECTORS[name][2]) - 2) * 8):
        with pytest.raises(BadSignature):
            _verified(name, signature=_flipped(_VECTORS[name][2], place))
    for place in range(len(_STAMP) * 8 if _VECTORS[name][3] else 0):
        with pytest.raises(BadSignature):
            _verified(name, stamp=_flipped(_STAMP, place))


def _flipped(sound: bytes, place: int) -> bytes:
    flipped = bytearray(sound)
    flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)


@every_vector
@pytest.mark.parametrize("wrong", [b"", b"v1,", b"AAAA", b"\xc3\xa9" * 22, b"\xff" * 44, b"=" * 44])
def test_an_empty_foreign_or_non_ascii_signature_is_refused(name: str, wrong: bytes) -> None:
    with pytest.raises(BadSignature):
        _verified(name, signature=wrong)


@every_vector
def test_an_empty_body_another_secret_and_none_prove_nothing(name: str) -> None:
    with pytest.raises(BadSignature):
        _verified(name, body=b"")
    for keys in ([bytes(24)], []):
        with pytest.raises(BadSignature):
            _verified(name, keys=keys)


def test_the_published_standard_webhooks_vector_is_accepted() -> None:
    STANDARD.verify(_BODY, _HEADERS, _KEYS, _NOW)
    STANDARD.verify(_BODY, _HEADERS, [STANDARD.key(f"whsec_{_SECRET}")], _NOW)


def test_what_the_reference_library_signs_is_accepted() -> None:
    now = datetime.now(UTC)
    signed = Webhook(bodies.WHSEC).sign("msg_1", now, _BODY.decode())
    headers = {
        b"webhook-id": b"msg_1",
        b"webhook-timestamp": str(int(now.timestamp())).encode(),
        b"webhook-signature": signed.encode(),
    }

    STANDARD.verify(_BODY, headers, [STANDARD.key(bodies.WHSEC)], now)


def test_one_good_signature_among_several_is_enough_with_any_of_several_keys() -> None:
    other = b"v1," + base64.b64encode(bytes(32))
    headers = {**_HEADERS, b"webhook-signature": b" ".join((other, b"v1a,AAAA", _SIGNATURE))}

    STANDARD.verify(_BODY, headers, [bytes(24), *_KEYS], _NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {b"webhook-signature": b""},
        {b"webhook-signature": b"v1"},
        {b"webhook-signature": b"v1,"},
        {b"webhook-signature": b"v1,,"},
        {b"webhook-signature": b"v1,not base64"},
        {b"webhook-signature": b"v1,AAAA"},
        {b"webhook-signature": "v1,г0hM9SsE".encode()},
        {b"webhook-signature": b"v1,\xff\xfe"},
        {b"webhook-signature": b"v2," + _SIGNATURE[3:]},
        {b"webhook-signature": _SIGNATURE[:4] + b"1" + _SIGNATURE[5:]},
        {b"webhook-id": b""},
        {b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJel"},
        {b"webhook-id": b"a.b"},
        {b"webhook-timestamp": b""},
        {b"webhook-timestamp": b"1614265331"},
        {b"webhook-timestamp": b"1614265330.0"},
        {b"webhook-timestamp": b"-1614265330"},
        {b"webhook-timestamp": b"9" * 40},
        {b"webhook-timestamp": "١٦١٤٢٦٥٣٣٠".encode()},
    ],
)
def test_a_changed_standard_header_is_refused(wrong: dict[bytes, bytes]) -> None:
    with pytest.raises(BadSignature):
        STANDARD.verify(_BODY, {**_HEADERS, **wrong}, _KEYS, _NOW)


@pytest.mark.parametrize("missing", list(_HEADERS))
def test_a_missing_standard_header_is_refused(missing: bytes) -> None:
    with pytest.raises(BadSignature):
        STANDARD.verify(_BODY, {k: v for k, v in _HEADERS.items() if k != missing}, _KEYS, _NOW)


@pytest.mark.parametrize(("seconds", "accepted"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signed_time_may_be_five_minutes_away(*, seconds: int, accepted: bool) -> None:
    now = datetime.fromtimestamp(_AT + seconds, UTC)
    if accepted:
        STANDARD.verify(_BODY, _HEADERS, _KEYS, now)
    else:
        with pytest.raises(BadSignature):
            STANDARD.verify(_BODY, _HEADERS, _KEYS, now)


def test_every_flipped_bit_of_a_body_is_refused() -> None:
    for place in range(len(_BODY) * 8):
        flipped = bytearray(_BODY)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(BadSignature):
            STANDARD.verify(bytes(flipped), _HEADERS, _KEYS, _NOW)


def test_the_shopify_vector_is_accepted_and_its_flipped_bits_are_not() -> None:
    SHOPIFY.verify(_SHOPIFY_BODY, {SHOPIFY.signed_by: _SHOPIFY_DIGEST}, [b"other", _SHOPIFY_KEY], _NOW)
    for place in range(len(_SHOPIFY_BODY) * 8):
        flipped = bytearray(_SHOPIFY_BODY)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(BadSignature):
            SHOPIFY.verify(bytes(flipped), {SHOPIFY.signed_by: _SHOPIFY_DIGEST}, [_SHOPIFY_KEY], _NOW)


@pytest.mark.parametrize(
    "wrong", [b"", b"A", b"=" * 44, b"\xc3\xa9" * 22, _SHOPIFY_DIGEST + b"A", _SHOPIFY_DIGEST[:-4]]
)
def test_a_malformed_shopify_signature_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadSignature):
        SHOPIFY.verify(_SHOPIFY_BODY, {SHOPIFY.signed_by: wrong}, [_SHOPIFY_KEY], _NOW)


def test_without_any_active_key_nothing_is_accepted() -> None:
    with pytest.raises(BadSignature):
        SHOPIFY.verify(_SHOPIFY_BODY, {SHOPIFY.signed_by: _SHOPIFY_DIGEST}, [], _NOW)


def test_a_secret_ends_at_its_instant() -> None:
    secret = Secret("s", not_after=_NOW)

    assert not secret.is_active(_NOW)
    assert Secret("s").is_active(_NOW)


@pytest.mark.parametrize(
    ("stored", "key"),
    [
        ("plain secret", b"plain secret"),
        ("a&amp;b", b"a&b"),
        ("&lt;&#060;&gt;&quot;&#x22;&#039;&#x27;", b"<<>\"\"''"),
        # One pass: what an entity stands for is not read again. Other entities are the secret's own characters.
        ("&amp;lt; &copy; &", b"&lt; &copy; &"),
    ],
)
def test_woocommerce_signs_with_what_the_entities_of_its_secret_stand_for(stored: str, key: bytes) -> None:
    assert unescaped_key(stored) == key
