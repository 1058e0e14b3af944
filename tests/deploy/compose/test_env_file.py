"""The keys and passwords of an installation in containers."""

import json
from pathlib import Path

import jwt
import pytest

from deploy.compose.__main__ import main
from deploy.compose.env_file import keys_folder, make_secrets, settings_in
from deploy.local.local_tokens import AUDIENCE_PREFIX, ISSUER


def test_secrets_are_closed_to_others_but_the_public_keys(tmp_path: Path) -> None:
    make_secrets(tmp_path)

    modes = {path.name: path.stat().st_mode & 0o777 for path in keys_folder(tmp_path).iterdir()}
    assert modes.pop("jwks.json") == 0o644
    assert set(modes.values()) == {0o600}
    assert keys_folder(tmp_path).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600


def test_making_them_again_changes_nothing(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = (tmp_path / ".env").read_text()

    assert make_secrets(tmp_path) == []

    assert (tmp_path / ".env").read_text() == before


def test_a_lost_env_file_comes_back_with_the_same_keys_and_passwords(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = settings_in((tmp_path / ".env").read_text())
    (tmp_path / ".env").unlink()

    make_secrets(tmp_path)

    after = settings_in((tmp_path / ".env").read_text())
    assert {name for name in before if before[name] != after[name]} == {"KAFKA_CLUSTER_ID"}


def test_what_people_wrote_is_kept(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# ours\nSMTP_HOST=relay.example.org\nSEAL_KEYS=new,old")

    added = make_secrets(tmp_path)

    text = (tmp_path / ".env").read_text()
    assert text.startswith("# ours\nSMTP_HOST=relay.example.org\nSEAL_KEYS=new,old\n")
    assert "SEAL_KEYS" not in added
    assert "MATCH_KEY" in added


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        make_secrets(tmp_path / name)
        made.append(set(settings_in((tmp_path / name / ".env").read_text()).values()))

    assert not made[0] & made[1]


def test_the_printed_token_is_signed_with_the_mounted_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path), "secrets"]) == 0
    assert "docker compose up" in capsys.readouterr().out

    assert main(["--folder", str(tmp_path), "token"]) == 0

    token = capsys.readouterr().out.strip()
    [key] = json.loads((keys_folder(tmp_path) / "jwks.json").read_text())["keys"]
    claims = jwt.decode(
        token, jwt.PyJWK(key), algorithms=["EdDSA"], issuer=ISSUER, audience=f"{AUDIENCE_PREFIX}messaging"
    )
    assert claims["scope"] == "ops:* platform"


def test_without_keys_there_is_no_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path), "token"]) == 1

    assert "make secrets" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
