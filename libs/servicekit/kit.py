"""What the routes of one API process reach for: one frozen kit, and the service's own parts beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from fastapi import Request

from libs.eventbus.port import Partition
from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.health import Health
from libs.servicekit.jwks import Fetch, KeySet, source
from libs.servicekit.rate_limit import Buckets
from libs.servicekit.settings import CommonSettings
from libs.servicekit.tokens import Tokens

P = TypeVar("P")


class Unread(Protocol):
    """The part of a bus that the API asks."""

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Partition, int]:
        """Records of each partition that the group has not read."""


@dataclass(frozen=True, slots=True)
class Kit:
    """Made in a service's bootstrap, given to `create_app`."""

    service: str
    """Name as in envelopes and audiences: `order-ingest`."""
    settings: CommonSettings
    clock: Clock
    database: Database
    tokens: Tokens
    callers: Buckets
    health: Health
    bus: Unread | None = None
    """An API without it leaves the figure of unread records out."""


def open_kit(
    service: str,
    settings: CommonSettings,
    *,
    clock: Clock,
    database: Database,
    health: Health,
    bus: Unread | None = None,
    keys: Fetch | None = None,
) -> Kit:
    """The kit of `service`: tokens of the configured issuer for this audience, an allowance per caller.

    `keys` replaces the configured key set's address; nothing is read before the first token comes.
    """
    return Kit(
        service=service,
        settings=settings,
        clock=clock,
        database=database,
        tokens=Tokens(
            KeySet(keys or source(settings.auth_jwks), clock),
            clock,
            issuer=settings.auth_issuer,
            audience=settings.auth_audience_prefix + service,
        ),
        callers=Buckets(per_second=settings.requests_per_second, burst=settings.requests_burst),
        health=health,
        bus=bus,
    )


def kit(request: Request) -> Kit:
    """The kit of the running application."""
    return cast(Kit, request.app.state.kit)  # Starlette's state is untyped


def part(kind: type[P]) -> Callable[[Request], P]:
    """A dependency that yields the application's part of this class: `Annotated[Ports, Depends(part(Ports))]`."""

    def find(request: Request) -> P:
        parts: dict[type[Any], Any] = request.app.state.parts
        return cast(P, parts[kind])  # keyed by its own class

    return find
