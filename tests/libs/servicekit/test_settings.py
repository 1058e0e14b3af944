"""A wrong setting is refused at start, by name, without showing what it was."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from libs.servicekit.errors import SettingsError
from libs.servicekit.settings import CommonSettings, load
from tests.libs.servicekit.stage import settings

GOOD = {
    "AUTH_ISSUER": "https://issuer.example",
    "AUTH_JWKS": "/keys/jwks.json",
    "SEAL_KEYS": "oE1b3b3WmDFdNzi0mFiiN6wRXGgbTxV4nqz1JUwU5vA=",
    "MATCH_KEY": "bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
    "VAULT_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in CommonSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HTTP_PORT", "8002")

    loaded = load(CommonSettings)

    assert (loaded.http_port, loaded.log_format) == (8002, "json")
    assert loaded.vault_key_ring == [bytes(32), bytes([1] * 32)]
    assert loaded.match_key_bytes == b"match-key-of-the-tests"


def test_a_clock_goes_as_far_before_the_machines_as_its_setting_says(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLOCK_AHEAD_SECONDS", "-600")

    behind = datetime.now(UTC) - load(CommonSettings).clock.now()

    assert behind.total_seconds() == pytest.approx(600, abs=5)


def test_every_missing_setting_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AUTH_ISSUER")
    environment.delenv("SEAL_KEYS")

    with pytest.raises(SettingsError, match=r"AUTH_ISSUER.*; SEAL_KEYS"):
        load(CommonSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTP_PORT", "eighty-thousand"),
        ("HTTP_PORT", "80000"),
        ("SEAL_KEYS", "c2VjcmV0"),
        ("VAULT_KEYS", "c2VjcmV0"),
        ("VAULT_KEYS", "se cret!"),
        ("MATCH_KEY", "c2VjcmV0"),
        ("LOG_LEVEL", "secret"),
        ("DRAIN_SECONDS", "-1"),
        ("CLOCK_AHEAD_SECONDS", "86400"),
    ],
)
def test_a_bad_setting_is_named_but_not_shown(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(SettingsError) as refused:
        load(CommonSettings)

    assert str(refused.value).startswith(f"{name}: ")
    assert value not in str(refused.value)


def test_settings_never_change_after_the_start() -> None:
    with pytest.raises(ValidationError):
        setattr(settings(), "http_port", 1)  # noqa: B010 - mypy already forbids the plain assignment


def test_keys_and_urls_are_not_in_the_representation() -> None:
    shown = repr(settings(database_api_url="postgresql://api:secret@db/loyalty"))

    assert "secret" not in shown
    assert "seal_keys" not in shown


def test_every_field_tells_what_it_is_for() -> None:
    assert [name for name, field in CommonSettings.model_fields.items() if not field.description] == []
