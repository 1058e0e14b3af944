"""Hooks that a platform deleted are made anew, as effects: one for each topic.

A call whose outcome nobody knows is repeated, and each begins by looking whether the hook is there: no second one of
the same topic leads to the same store. The address holds the store's endpoint token: it is made for the call alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.kernel.identifiers import derived_id
from libs.servicekit.effects import Admission, Done, Drop, Effect, Outcome, request_effects
from libs.servicekit.logs import logger
from libs.servicekit.sealing import Vault
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.adapters.asked_stores import AskedStores, answered
from services.order_ingest.adapters.known_hooks import keep_known, lock_known, read_known
from services.order_ingest.application.store_apis import HookApi
from services.order_ingest.domain.restoring import Hooks, Known, KnownHook, begun, end, in_question, judge
from services.order_ingest.domain.subscribed import hook_url, leads_to

RESTORE_HOOK: Final = "store.hook"
_log = logger(__name__)
# One by one: a join would read every delivery of all these merchants.
_DELIVERED: Final = text(
    """
    SELECT x.store_no, x.topic
    FROM unnest(CAST(:merchants AS int4[]), CAST(:numbers AS int4[]), CAST(:topics AS text[]),
                CAST(:sinces AS timestamptz[])) AS x(merchant_no, store_no, topic, since)
    CROSS JOIN LATERAL (
        SELECT 1 FROM webhook_delivery d
        WHERE d.merchant_no = x.merchant_no AND d.received_at > x.since
            AND d.store_no = x.store_no AND d.topic = x.topic AND d.origin = 'live' LIMIT 1) AS its
    """
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A platform's answer to the question of `began_at`: which hooks it has for the store."""

    merchant_no: int
    store_no: int
    store_id: UUID
    began_at: datetime
    hooks: Hooks


async def restore_missing(connection: AsyncConnection, answers: Sequence[Heard], now: datetime) -> None:
    """The answers are remembered, and what was there before and is missing will be made anew.

    An access that was put again meanwhile has begun another question: an answer to the one before says nothing.
    """
    if not answers:
        return
    kept = await lock_known(connection, [answer.store_no for answer in answers])
    heard = [answer for answer in answers if answer.began_at == kept.get(answer.store_no, (None, {}))[0]]
    before = {answer.store_no: kept[answer.store_no][1] for answer in heard}
    used = await _delivered(connection, heard, before, now)
    after = {
        answer.store_no: judge(
            before[answer.store_no],
            answer.hooks,
            delivered=[topic for store_no, topic in used if store_no == answer.store_no],
            asked_at=answer.began_at,
            now=now,
        )
        for answer in heard
    }
    await keep_known(connection, after)
    effects = [_effect(answer, topic, now) for answer in heard for topic in begun(after[answer.store_no], now)]
    await request_effects(connection, effects, now)


async def _delivered(
    connection: AsyncConnection, answers: Sequence[Heard], known: Mapping[int, Known], now: datetime
) -> set[tuple[int, str]]:
    asked = [
        (answer.merchant_no, answer.store_no, hook.topic, hook.ended_at)
        for answer in answers
        for hook in in_question(known[answer.store_no], answer.hooks, now)
    ]
    if not asked:
        return set()
    names = ("merchants", "numbers", "topics", "sinces")
    columns = dict(zip(names, map(list, zip(*asked, strict=True)), strict=True))
    return {(row.store_no, row.topic) for row in await connection.execute(_DELIVERED, columns)}


def _effect(answer: Heard, topic: str, now: datetime) -> Effect:
    key = f"{answer.store_id}/{now.isoformat()}/{topic}"
    payload = {
        "store_no": answer.store_no,
        "store_id": str(answer.store_id),
        "topic": topic,
        "begun_at": now.isoformat(),
    }
    return Effect(answer.merchant_no, derived_id(answer.store_id, RESTORE_HOOK, key), RESTORE_HOOK, key, payload)


class RestoreHooks:
    """Effects of the kind `store.hook`."""

    repeats_unknown = True
    max_attempts = 40

    def __init__(
        self, apis: Mapping[str, HookApi], public_url: str, vault: Vault, counted: Callable[[str, str], None]
    ) -> None:
        self._stores = AskedStores(apis, vault)
        self._public_url = public_url
        self._counted = counted

    async def admit(self, uow: UnitOfWork, effects: Sequence[Effect], now: datetime, at_most: int) -> Admission:
        """All but those of stores whose access has ended or been put again: another app may have other hooks."""
        dropped = dict(await self._stores.find(uow.connection, effects))
        known = await read_known(uow.connection, {int(effect.payload["store_no"]) for effect in effects})
        for effect in effects:
            if not _is_wanted(effect, known):
                dropped.setdefault(effect.effect_id, Drop("the store's access was put again meanwhile"))
        made = [effect.effect_id for effect in effects if effect.effect_id not in dropped]
        return Admission(dropped, frozenset(made[at_most:]))

    async def call(self, effect: Effect) -> Outcome:
        """The platform has a hook of the topic for the store, one."""
        store, api = self._stores.of(effect)
        topic = str(effect.payload["topic"])

        async def make() -> Done:
            hooks = await api.subscriptions(store.access)
            if any(hook.topic == topic and leads_to(hook.address, store.hook_path) for hook in hooks):
                return Done({"made": False})
            await api.subscribe(store.access, topic=topic, address=hook_url(self._public_url, store.hook_path))
            return Done({"made": True})

        return await answered(make())

    async def record(self, uow: UnitOfWork, outcomes: Sequence[tuple[Effect, Outcome]], now: datetime) -> None:
        """How each ended is remembered and counted, and a hook that was not made is named in the log."""
        if not outcomes:
            return
        kept = await lock_known(uow.connection, {int(effect.payload["store_no"]) for effect, _ in outcomes})
        known = {store_no: hooks for store_no, (_, hooks) in kept.items()}
        for effect, outcome in outcomes:
            store_no, failure = int(effect.payload["store_no"]), _failure(outcome)
            topic, begun_at = str(effect.payload["topic"]), datetime.fromisoformat(effect.payload["begun_at"])
            if store_no in known:
                known[store_no] = end(known[store_no], topic, begun_at=begun_at, failure=failure, now=now)
            self._tell(effect, outcome, failure)
        await keep_known(uow.connection, known)

    def _tell(self, effect: Effect, outcome: Outcome, failure: str | None) -> None:
        self._counted(RESTORE_HOOK, type(outcome).__name__.lower())
        if failure is not None:
            named = {"effect_id": str(effect.effect_id), "store_id": effect.payload["store_id"]}
            _log.warning("hook_not_restored", **named, reason=failure)


def _failure(outcome: Outcome) -> str | None:
    return None if isinstance(outcome, Done) else outcome.reason


def _is_wanted(effect: Effect, known: Mapping[int, Known]) -> bool:
    hook: KnownHook | None = known.get(int(effect.payload["store_no"]), {}).get(str(effect.payload["topic"]))
    return hook is not None and hook.begun_at == datetime.fromisoformat(effect.payload["begun_at"])
