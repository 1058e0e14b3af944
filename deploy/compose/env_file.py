"""The keys and passwords of an installation in containers: kept in a folder, told to `docker compose` by `.env`."""

import base64
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.compose.databases import password_variable
from deploy.local.databases import role_names
from deploy.local.errors import Refused
from deploy.local.keys import Keys, load_keys

_HEAD = "# Keys and passwords for docker-compose.yml: never commit this file, and keep a copy of it.\n"


def make_secrets(installation: Path) -> list[str]:
    """Every variable that docker-compose.yml asks for stands in `.env` beside it; returns the names that were added.

    What stands there already is kept, whatever it says: rows sealed under a lost key are lost too.
    """
    keys_folder(installation).mkdir(parents=True, mode=0o700, exist_ok=True)
    keys = load_keys(keys_folder(installation))
    keys.jwks.chmod(0o644)  # public keys; the containers' user reads them through a mount of this very file
    env_file = installation / ".env"
    known = settings_in(env_file.read_text()) if env_file.exists() else {}
    added = {name: value for name, value in _variables(keys).items() if name not in known}
    if added:
        _append(env_file, "".join(f"{name}={value}\n" for name, value in added.items()))
    return list(added)


def made_keys(installation: Path) -> Keys:
    """The keys that `make_secrets` made.

    Raises:
        Refused: it made none here yet.
    """
    if not (keys_folder(installation) / "jwks.json").exists():
        raise Refused("There are no keys yet: make them with `make secrets`.")
    return load_keys(keys_folder(installation))


def keys_folder(installation: Path) -> Path:
    """Where the keys lie; docker-compose.yml mounts `jwks.json` from there."""
    return installation / ".local" / "compose"


def settings_in(text: str) -> dict[str, str]:
    """The variables of a `.env` file, as far as we write one: no quotes, no interpolation."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _variables(keys: Keys) -> Mapping[str, str]:
    passwords = {password_variable(role): keys.password(role) for role in ("postgres", *role_names())}
    return {
        "SEAL_KEYS": keys.seal,
        "MATCH_KEY": keys.match,
        "VAULT_KEYS": keys.vault,
        "KAFKA_CLUSTER_ID": _cluster_id(uuid.uuid4()),
        **passwords,
    }


def _cluster_id(made: uuid.UUID) -> str:
    """Kafka's spelling of a UUID; the first bit is cleared, since one that began with '-' would look like an option."""
    return base64.urlsafe_b64encode(bytes([made.bytes[0] & 0x7F]) + made.bytes[1:]).decode().rstrip("=")


def _append(env_file: Path, lines: str) -> None:
    before = env_file.read_text() if env_file.exists() else _HEAD
    separator = "" if before.endswith("\n") else "\n"
    unfinished = env_file.with_name(env_file.name + ".part")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(before + separator + lines)
        output.flush()
        os.fsync(output.fileno())
    unfinished.rename(env_file)
