"""What a process is told by its environment: one frozen object, read once at start."""

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, TypeVar

from cryptography.fernet import Fernet
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from libs.servicekit.clock import SystemClock
from libs.servicekit.errors import SettingsError

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "console"]


class CommonSettings(BaseSettings):
    """The settings that all four services have; each service adds its own beside them.

    A field `http_port` is the variable HTTP_PORT. A field without default is required. Of the database roles, each
    kind of process needs only its own. What is secret is left out of `repr`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    database_owner_url: str = Field("", repr=False, description="PostgreSQL URL of the tables' owner; migrate only")
    database_api_url: str = Field("", repr=False, description="PostgreSQL URL of the role of HTTP requests")
    database_worker_url: str = Field(
        "", repr=False, description="PostgreSQL URL of the role of relay, consumers, timers, jobs and effects"
    )
    bus_url: str = Field("", repr=False, description="postgresql://... (embedded default) or kafka://host:port")

    bus_also_url: str = Field(
        "",
        repr=False,
        description="a second bus that is fed and not read: while services move to it one by one, or away from it",
    )

    auth_issuer: str = Field(description="`iss` that a bearer token must carry")
    auth_audience_prefix: str = Field("huitou-", description="`aud` of a service's tokens: this prefix + its name")
    auth_jwks: str = Field(description="path or https URL of the issuer's public keys (JWKS)")

    seal_keys: str = Field(repr=False, description="Fernet keys, newest first, comma between: personal data on the bus")
    match_key: str = Field(repr=False, description="base64 key of the blind indexes; never changes")
    vault_keys: str = Field(repr=False, description="base64 keys (32 bytes), newest first, comma between: rows at rest")

    http_host: str = Field("127.0.0.1", description="address that the API listens on")
    http_port: int = Field(8000, ge=0, le=65535, description="port that the API listens on")
    worker_http_port: int = Field(
        0, ge=0, le=65535, description="port of a worker's own /livez /readyz /metrics; 0: none (`all` has the API's)"
    )
    public_url: str = Field("http://127.0.0.1:8000", description="how the outside world reaches this service")

    smtp_host: str = Field("127.0.0.1", description="mail relay")
    smtp_port: int = Field(1025, ge=1, le=65535, description="port of the mail relay")

    api_pool_size: int = Field(8, ge=1, le=100, description="connections of the API role")
    worker_pool_size: int = Field(8, ge=2, le=100, description="connections of the worker role")
    instance: str = Field(
        "0", max_length=60, description="names this worker among its service's; unique, and the same after a restart"
    )
    clock_ahead_seconds: float = Field(
        0.0, ge=-3600, le=3600, description="how far this process's clock is before the machine's; for fault runs"
    )
    drain_seconds: float = Field(10.0, gt=0, le=60, description="time that running work gets after SIGTERM")
    requests_per_second: float = Field(1000.0, gt=0, description="refill of one caller's request allowance")
    requests_burst: int = Field(5000, ge=1, description="size of one caller's request allowance")

    log_level: LogLevel = Field("INFO", description="least level that is written")
    log_format: LogFormat = Field("json", description="json for machines, console for people")

    @property
    def clock(self) -> SystemClock:
        return SystemClock(timedelta(seconds=self.clock_ahead_seconds))

    @property
    def seal_key_ring(self) -> Sequence[str]:
        return self.seal_keys.split(",")

    @property
    def vault_key_ring(self) -> Sequence[bytes]:
        return [base64.b64decode(key) for key in self.vault_keys.split(",")]

    @property
    def match_key_bytes(self) -> bytes:
        return base64.b64decode(self.match_key)

    @field_validator("seal_keys")
    @classmethod
    def _fernet_keys(cls, keys: str) -> str:
        for key in keys.split(","):
            Fernet(key)
        return keys

    @field_validator("vault_keys")
    @classmethod
    def _aes_keys(cls, keys: str) -> str:
        if any(len(_decoded(key)) != 32 for key in keys.split(",")):
            raise ValueError("each key must be 32 bytes")
        return keys

    @field_validator("match_key")
    @classmethod
    def _long_key(cls, key: str) -> str:
        if len(_decoded(key)) < 16:
            raise ValueError("must be at least 16 bytes")
        return key


S = TypeVar("S", bound=CommonSettings)


def load(settings: type[S]) -> S:
    """The settings as the environment has them.

    Raises:
        SettingsError: names every variable that is missing or malformed; never shows a value (it may be a key).
    """
    try:
        return settings()
    except ValidationError as error:
        complaints = [f"{'_'.join(map(str, each['loc'])).upper()}: {each['msg']}" for each in error.errors()]
        raise SettingsError("; ".join(complaints)) from None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
