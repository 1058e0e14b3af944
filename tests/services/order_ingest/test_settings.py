"""Settings that would stop the service's work for ever are refused at its start."""

import pytest
from pydantic import ValidationError

from services.order_ingest.settings import Settings


def test_an_import_cannot_wait_for_its_own_service() -> None:
    with pytest.raises(ValidationError, match="order-ingest cannot wait for itself"):
        _settings(import_waits_for="loyalty, order-ingest")


@pytest.mark.parametrize(
    ("given", "groups"), [("loyalty, messaging", ["loyalty", "messaging"]), ("none", []), ("", [])]
)
def test_an_import_waits_for_the_named_groups(given: str, groups: list[str]) -> None:
    assert _settings(import_waits_for=given).import_groups == groups


def _settings(*, import_waits_for: str) -> Settings:
    return Settings(
        bus_url="",
        auth_issuer="https://issuer.example",
        auth_jwks="unused",
        seal_keys="c" * 43 + "=",
        match_key="bWF0Y2gta2V5LW9mLXRoZS10ZXN0cw==",
        vault_keys="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        public_url="http://test",
        import_waits_for=import_waits_for,
    )
