"""Keys and passwords of one installation: made once, kept in a folder that only its owner can read."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.servicekit.tokens import public_jwks


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What the services and the token mint need."""

    signing: Ed25519PrivateKey
    jwks: Path
    seal: str
    match: str
    vault: str
    password_root: bytes

    def password(self, role: str) -> str:
        """The password of a database role: the same at every start, different for every role."""
        return hmac.new(self.password_root, role.encode(), hashlib.sha256).hexdigest()[:40]


def load_keys(folder: Path) -> Keys:
    """Every key exists in the folder, mode 0600; those that exist already are never replaced."""
    signing = _once(folder / "token-signing-key.pem", _new_signing_key)
    private = serialization.load_pem_private_key(signing, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise TypeError(f"{folder / 'token-signing-key.pem'} is not an Ed25519 key")
    jwks = folder / "jwks.json"
    _once(jwks, lambda: json.dumps(public_jwks(private), indent=2).encode())
    return Keys(
        signing=private,
        jwks=jwks,
        seal=_once(folder / "seal-keys", Fernet.generate_key).decode(),
        match=_once(folder / "match-key", _new_key).decode(),
        vault=_once(folder / "vault-keys", _new_key).decode(),
        password_root=_once(folder / "password-root", _new_key),
    )


def _once(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        unfinished = path.with_name(path.name + ".part")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
            output.write(make())
            output.flush()
            os.fsync(output.fileno())  # a key that sealed rows must not be lost with the power
        unfinished.rename(path)
    return path.read_bytes()


def _new_key() -> bytes:
    return base64.b64encode(secrets.token_bytes(32))


def _new_signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
