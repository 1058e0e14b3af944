"""Makes the calls that effect rows ask for: claim, commit the attempt, call, record.

A claim is also a lock on the server, held by a connection of the caller's from before its commit to after its
record. Where the lock is free the caller is dead, or at least cut off, and need not be waited for.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.servicekit.clock import Clock
from libs.servicekit.database import Database
from libs.servicekit.effects import Done, Drop, Effect, EffectKind, Failed, Outcome, Retry, Unknown
from libs.servicekit.logs import logger
from libs.servicekit.unit_of_work import UnitOfWork
from libs.servicekit.waiting import wait_for_stop

_log = logger(__name__)
_CALL_SECONDS = 15.0
_CALLER_IS_DEAD_AFTER = timedelta(seconds=20)  # a claim's calls all begin at once, so none of them lasts that long
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 300.0


class EffectSender:
    """Makes this process's share of the calls, a few at a time."""

    def __init__(
        self,
        database: Database,
        kinds: Mapping[str, EffectKind],
        clock: Clock,
        *,
        poll_seconds: float = 0.25,
        at_once: int = 16,
        looked_at: int = 256,
        rounds: int = 1,
    ) -> None:
        """`at_once` calls are claimed and made together; a claimed call never waits for another.

        As many are looked at as it took to find them the last time, at most `looked_at`: what must not be made costs
        no call, and is dropped in bulk. `rounds` of them overlap while there is plenty to do: the database claims and
        records for one while the calls of another are made. Each needs two connections.
        """
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._at_once = at_once
        self._looked_at = at_once
        self._most_looked_at = max(at_once, looked_at)
        self._rounds = rounds
        self._is_plenty = False

    async def run(self, stop: asyncio.Event) -> None:
        """Calls are made until `stop`; what is under way is finished and recorded."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._work(stop))
            for _ in range(self._rounds - 1):
                group.create_task(self._help(stop))

    async def _work(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await self._round():
                await wait_for_stop(stop, self._poll_seconds)

    async def _help(self, stop: asyncio.Event) -> None:
        """Rounds are made only while each finds as many calls as it may make."""
        while not stop.is_set():
            if not (self._is_plenty and await self._round()):
                await wait_for_stop(stop, self._poll_seconds)

    async def _round(self) -> int:
        try:
            return await self.run_once()
        except Exception as error:  # the database is away: claimed rows wait for their lease, nothing is lost
            _log.error("effect_round_failed", error=type(error).__name__)
            return 0

    async def run_once(self) -> int:
        """One batch of every kind is claimed, called and recorded; the number of rows touched."""
        return sum([await self._run_kind(name, kind) for name, kind in sorted(self._kinds.items())])

    async def _run_kind(self, name: str, kind: EffectKind) -> int:
        abandoned = await self._recover(name, kind)
        async with AsyncExitStack() as locks:
            claimed, dropped = await self._claim(name, kind, locks)
            if claimed:
                outcomes = await asyncio.gather(*(self._call(kind, effect) for effect in claimed))
                await self._record(kind, list(zip(claimed, outcomes, strict=True)))
        return abandoned + dropped + len(claimed)

    async def _recover(self, name: str, kind: EffectKind) -> int:
        """Calls whose caller died, or holds them longer than any call lasts, are settled; their number."""
        now = self._clock.now()
        async with self._database.begin() as uow:
            rows = (await uow.connection.execute(_ABANDONED, {"kind": name, "now": now, "limit": self._at_once})).all()
            outcome: Outcome = Retry("caller died") if kind.repeats_unknown else Unknown("caller died")
            await self._settle(uow, kind, [(_effect_of(row), outcome) for row in rows], now)
        return len(rows)

    async def _claim(self, name: str, kind: EffectKind, locks: AsyncExitStack) -> tuple[list[Effect], int]:
        """The calls to make, and how many were dropped; `locks` says for whom the process lives."""
        now = self._clock.now()
        async with self._database.begin() as uow:
            rows = (await uow.connection.execute(_PENDING, {"kind": name, "now": now, "limit": self._looked_at})).all()
            effects = [_effect_of(row) for row in rows]
            if not effects:
                self._is_plenty = False
                return [], 0
            admission = await kind.admit(uow, effects, now, self._at_once)
            drops, kept = admission.dropped, admission.later
            await self._settle(uow, kind, [(e, drops[e.effect_id]) for e in effects if e.effect_id in drops], now)
            claimed = [effect for effect in effects if effect.effect_id not in drops and effect.effect_id not in kept]
            self._note_look(len(effects), judged=len(effects) - len(kept), claimed=len(claimed))
            if claimed:
                await locks.enter_async_context(_locked(self._database, claimed))
                until = now + _CALLER_IS_DEAD_AFTER
                await uow.connection.execute(_CALLING, {**_keys(claimed), "now": now, "until": until})
        return claimed, len(drops)

    def _note_look(self, looked_at: int, *, judged: int, claimed: int) -> None:
        """The next round looks at as many as it took to find enough, or at twice as many if these were too few."""
        self._is_plenty = claimed >= self._at_once
        if claimed >= self._at_once:
            self._looked_at = max(judged, self._at_once)
        elif looked_at == self._looked_at:
            self._looked_at = min(2 * judged, self._most_looked_at)

    async def _call(self, kind: EffectKind, effect: Effect) -> Outcome:
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                return await kind.call(effect)
        except Exception as error:  # nobody can say how far the call came
            _log.error("effect_call_broke", kind=effect.kind, error=type(error).__name__)
            return Unknown(type(error).__name__)

    async def _record(self, kind: EffectKind, outcomes: Sequence[tuple[Effect, Outcome]]) -> None:
        now = self._clock.now()
        async with self._database.begin() as uow:
            ours = await _still_ours(uow, [effect for effect, _ in outcomes])
            if len(ours) < len(outcomes):  # this process slept or was cut off, and another took it for dead
                _log.warning("effect_outcomes_late", count=len(outcomes) - len(ours))
            await self._settle(uow, kind, [(e, o) for e, o in outcomes if (e.merchant_no, e.effect_id) in ours], now)

    async def _settle(
        self, uow: UnitOfWork, kind: EffectKind, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime
    ) -> None:
        if not outcomes:
            return
        judged = [(effect, _final(kind, effect, outcome)) for effect, outcome in outcomes]
        await kind.record(uow, [(e, o) for e, o in judged if not isinstance(o, Retry)], now)
        await uow.connection.execute(
            _SETTLE,
            {
                **_keys([effect for effect, _ in judged]),
                "states": [_STATES[type(outcome)] for _, outcome in judged],
                "outcomes": [_describe(outcome) for _, outcome in judged],
                "nexts": [now + _delay(effect, outcome) for effect, outcome in judged],
                "now": now,
            },
        )


_STATES: Mapping[type[Outcome], str] = {
    Done: "done",
    Drop: "dropped",
    Retry: "pending",
    Failed: "failed",
    Unknown: "unknown",
}


async def _still_ours(uow: UnitOfWork, effects: Sequence[Effect]) -> set[tuple[int, UUID]]:
    """Those of which nobody else has said meanwhile what became of them; locked."""
    claims = {**_keys(effects), "attempts": [effect.attempts + 1 for effect in effects]}
    return {(row.merchant_no, row.effect_id) for row in await uow.connection.execute(_STILL_OURS, claims)}


def _final(kind: EffectKind, effect: Effect, outcome: Outcome) -> Outcome:
    if isinstance(outcome, Unknown) and kind.repeats_unknown:
        outcome = Retry(outcome.reason)
    if isinstance(outcome, Retry) and effect.attempts + 1 >= kind.max_attempts:
        return Failed(f"gave up after {effect.attempts + 1} attempts: {outcome.reason}")
    return outcome


def _delay(effect: Effect, outcome: Outcome) -> timedelta:
    if not isinstance(outcome, Retry):
        return timedelta()
    if outcome.after_seconds is not None:
        return timedelta(seconds=outcome.after_seconds)
    ceiling = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2.0**effect.attempts)
    return timedelta(seconds=random.uniform(_FIRST_DELAY_SECONDS / 2, ceiling))


def _describe(outcome: Outcome) -> str:
    return json.dumps(dict(outcome.result) if isinstance(outcome, Done) else {"reason": outcome.reason})


def _effect_of(row: Any) -> Effect:  # a driver row: its attributes are the query's columns
    return Effect(row.merchant_no, row.effect_id, row.kind, row.key, row.payload, row.attempts, row.merchant_id)


def _keys(effects: Sequence[Effect]) -> dict[str, Any]:
    return {"merchants": [e.merchant_no for e in effects], "ids": [e.effect_id for e in effects]}


@asynccontextmanager
async def _locked(database: Database, effects: Sequence[Effect]) -> AsyncIterator[None]:
    """The server knows that somebody is at these effects, and forgets it with the connection."""
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open during the calls
        await connection.execute(_LOCK, {"ids": [effect.effect_id for effect in effects]})
        try:
            yield
        finally:
            with suppress(DBAPIError):  # lost with its connection already
                await connection.execute(_UNLOCK)


_PENDING = text(
    """
    SELECT e.merchant_no, m.merchant_id, e.effect_id, e.kind, e.key, e.payload, e.attempts
    FROM effect e JOIN merchant m USING (merchant_no)
    WHERE e.kind = :kind AND e.state = 'pending' AND e.next_at <= :now
    ORDER BY e.next_at, e.merchant_no, e.effect_id LIMIT :limit FOR UPDATE OF e SKIP LOCKED
    """
)
_ABANDONED = text(
    """
    SELECT e.merchant_no, m.merchant_id, e.effect_id, e.kind, e.key, e.payload, e.attempts - 1 AS attempts
    FROM effect e JOIN merchant m USING (merchant_no)
    WHERE e.kind = :kind AND e.state = 'calling'
        AND (e.calling_until <= :now OR pg_try_advisory_xact_lock(hashtextextended(e.effect_id::text, 0)))
    ORDER BY e.calling_until LIMIT :limit FOR UPDATE OF e SKIP LOCKED
    """
)
_LOCK = text("SELECT pg_advisory_lock(hashtextextended(id::text, 0)) FROM unnest(CAST(:ids AS uuid[])) AS x(id)")
_UNLOCK = text("SELECT pg_advisory_unlock_all()")
_STILL_OURS = text(
    """
    SELECT e.merchant_no, e.effect_id
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:attempts AS int2[]))
        AS x(merchant_no, effect_id, attempts)
    JOIN effect e ON (e.merchant_no, e.effect_id, e.attempts) = (x.merchant_no, x.effect_id, x.attempts)
    WHERE e.effect_id = ANY (CAST(:ids AS uuid[])) AND e.state = 'calling' FOR UPDATE OF e
    """
)
_CALLING = text(
    """
    UPDATE effect e SET state = 'calling', attempts = attempts + 1, calling_until = :until, updated_at = :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) AS x(merchant_no, effect_id)
    WHERE e.effect_id = ANY (CAST(:ids AS uuid[])) AND (e.merchant_no, e.effect_id) = (x.merchant_no, x.effect_id)
    """
)
_SETTLE = text(
    """
    UPDATE effect e SET state = x.state, outcome = CAST(x.outcome AS jsonb), next_at = x.next_at,
        calling_until = NULL, updated_at = :now
    FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:states AS text[]),
                CAST(:outcomes AS text[]), CAST(:nexts AS timestamptz[]))
        AS x(merchant_no, effect_id, state, outcome, next_at)
    WHERE e.effect_id = ANY (CAST(:ids AS uuid[])) AND (e.merchant_no, e.effect_id) = (x.merchant_no, x.effect_id)
    """
)
