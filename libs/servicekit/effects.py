"""Calls to the outside as rows: decided and recorded before they are made.

A row is claimed, its attempt is committed, only then the call goes out. A crash in between leaves the row
`calling`: what is safe to repeat is repeated, everything else ends as `unknown` and is never sent twice.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.tenancy import enable_tenancy
from libs.servicekit.unit_of_work import UnitOfWork


def effect_tables(service: str) -> Sequence[str]:
    """The statements that create `effect` in a service's first migration."""
    return (
        """
        CREATE TABLE effect (
            merchant_no int4 NOT NULL,
            effect_id uuid NOT NULL,
            kind text NOT NULL,
            key text NOT NULL,
            payload jsonb NOT NULL,
            state text NOT NULL DEFAULT 'pending'
                CHECK (state IN ('pending', 'calling', 'done', 'dropped', 'failed', 'unknown')),
            attempts int2 NOT NULL DEFAULT 0,
            next_at timestamptz NOT NULL,
            calling_until timestamptz,
            outcome jsonb,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (merchant_no, effect_id),
            UNIQUE (merchant_no, kind, key)
        )
        """,
        "CREATE INDEX effect_pending ON effect (kind, next_at) WHERE state = 'pending'",
        "CREATE INDEX effect_calling ON effect (kind, calling_until) WHERE state = 'calling'",
        *enable_tenancy("effect", service),
    )


EFFECTS_BY_OWN_KEY = (
    """
    ALTER TABLE effect
        DROP CONSTRAINT effect_pkey, ADD PRIMARY KEY (effect_id, merchant_no),
        DROP CONSTRAINT effect_merchant_no_kind_key_key, ADD CONSTRAINT effect_key UNIQUE (key, kind, merchant_no)
    """,
    "DROP INDEX effect_pending",
    # In the order in which they are taken: many of one instant would else be sorted again for every few.
    "CREATE INDEX effect_pending ON effect (kind, next_at, merchant_no, effect_id) WHERE state = 'pending'",
)
"""For a later migration: a plan made while the table was empty would else read all of a merchant's effects."""
EFFECTS_BY_MERCHANT = (
    """
    ALTER TABLE effect
        DROP CONSTRAINT effect_pkey, ADD PRIMARY KEY (merchant_no, effect_id),
        DROP CONSTRAINT effect_key, ADD CONSTRAINT effect_merchant_no_kind_key_key UNIQUE (merchant_no, kind, key)
    """,
    "DROP INDEX effect_pending",
    "CREATE INDEX effect_pending ON effect (kind, next_at) WHERE state = 'pending'",
)


@dataclass(frozen=True, slots=True)
class Effect:
    """One call to the outside; `key` is unique for ever within (merchant, kind)."""

    merchant_no: int
    effect_id: UUID
    kind: str
    key: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    merchant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The other side took it, or gave what was asked for: `carried` is handed to `record` and kept nowhere else."""

    result: Mapping[str, Any] = field(default_factory=dict)
    carried: object = None


@dataclass(frozen=True, slots=True)
class Drop:
    """It must not be made (any more); said before the call."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """It certainly did not happen, and may later."""

    reason: str
    after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """It certainly did not happen, and never will."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened: the connection broke after the request was out."""

    reason: str


Outcome = Done | Drop | Retry | Failed | Unknown


@dataclass(frozen=True, slots=True)
class Admission:
    """What becomes of the calls that were looked at: those neither dropped nor left for later are made now."""

    dropped: Mapping[UUID, Drop] = field(default_factory=dict)
    later: Collection[UUID] = frozenset()
    """Not judged: their turn has not come."""


class EffectKind(Protocol):
    """What one kind of call needs to know. The sender owns claiming, retrying and recording."""

    repeats_unknown: bool
    """True if a call with an unknown outcome may be made again (the other side knows our key, or twice is harmless)."""
    max_attempts: int

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """Which of the calls are made now, at most so many; decided in the claim's transaction."""
        ...

    async def call(self, effect: Effect) -> Outcome:
        """Makes the call, outside any transaction. An exception counts as Unknown."""
        ...

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """The service's own rows and facts for final outcomes (never Retry), in the recording transaction."""
        ...


async def request_effects(connection: AsyncConnection, effects: Sequence[Effect], now: datetime) -> None:
    """The calls will be made once the transaction commits; those whose key is known already are left alone."""
    ordered = sorted(effects, key=lambda effect: (effect.merchant_no, effect.kind, effect.key))
    if not ordered:
        return
    await connection.execute(
        _REQUEST,
        {
            "merchants": [effect.merchant_no for effect in ordered],
            "ids": [effect.effect_id for effect in ordered],
            "kinds": [effect.kind for effect in ordered],
            "keys": [effect.key for effect in ordered],
            "payloads": [json.dumps(dict(effect.payload)) for effect in ordered],
            "now": now,
        },
    )


_REQUEST = text(
    """
    INSERT INTO effect (merchant_no, effect_id, kind, key, payload, next_at, created_at, updated_at)
    SELECT x.merchant_no, x.effect_id, x.kind, x.key, CAST(x.payload AS jsonb), :now, :now, :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:keys AS text[]),
                CAST(:payloads AS text[])) AS x(merchant_no, effect_id, kind, key, payload)
    ON CONFLICT (merchant_no, kind, key) DO NOTHING
    """
)
