"""Which hooks that a platform deleted are made anew, and which are left away since the shop seems to want it so.

Shoplazza deletes a hook after two days of failures: one that is gone within a day of being made anew, without any
delivery, was taken away by somebody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.order_ingest.domain.pulling import is_under_way

MOST_KNOWN: Final = 50
PAUSE: Final = timedelta(days=1)
_LEFT: Final = "gone again within a day without a delivery: it is left so"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHook:
    """A topic that the platform had a hook for. `at_hook_url`: it led to exactly the address that the store shows.

    `begun_at`: it is being made anew since then; `ended_at`: when that was over the last time, `failure`: why without
    a hook; `is_left`: it was made anew, is gone again and stays so until the platform has it again.
    """

    topic: str
    at_hook_url: bool
    begun_at: datetime | None = None
    ended_at: datetime | None = None
    failure: str | None = None
    is_left: bool = False

    @property
    def shown_failure(self) -> str | None:
        """Why there is no hook although it was to be made anew."""
        return _LEFT if self.is_left else self.failure


Known = Mapping[str, KnownHook]
"""By topic."""
Hooks = Mapping[str, bool]
"""What the platform has: by topic, whether at the address that the store shows."""


def in_question(known: Known, hooks: Hooks, now: datetime) -> Sequence[KnownHook]:
    """Those that were made anew within a day and are gone: deliveries since `ended_at` decide about them."""
    gone = [hook for hook in known.values() if hook.topic not in hooks and not hook.is_left and not hook.failure]
    return [hook for hook in gone if hook.begun_at is None and _is_recent(hook, now)]


def judge(known: Known, hooks: Hooks, *, delivered: Collection[str], asked_at: datetime, now: datetime) -> Known:
    """What is known after the answer to a question of `asked_at`; `begun_at` is `now` for those to be made anew.

    `delivered` are the topics in question that something came under. Where no hook ever led to the address that the
    store shows, the platform knows us by another name, and nothing is made.
    """
    found = {**known, **_seen(known, hooks)}
    if not any(hook.at_hook_url for hook in found.values()):
        return found
    for hook in [hook for hook in found.values() if hook.topic not in hooks]:
        found[hook.topic] = _missing(hook, is_used=hook.topic in delivered, asked_at=asked_at, now=now)
    return found


def begun(known: Known, now: datetime) -> Sequence[str]:
    """The topics whose hooks are made anew from `now` on."""
    return sorted(hook.topic for hook in known.values() if hook.begun_at == now)


def end(known: Known, topic: str, *, begun_at: datetime, failure: str | None, now: datetime) -> Known:
    """What is known after the attempt that began then; another's end changes nothing."""
    hook = known.get(topic)
    if hook is None or hook.begun_at != begun_at:
        return known
    return {**known, topic: replace(hook, begun_at=None, ended_at=now, failure=failure)}


def _seen(known: Known, hooks: Hooks) -> Known:
    room = MOST_KNOWN - len(known)
    topics = [topic for topic in sorted(hooks) if topic in known]
    topics += [topic for topic in sorted(hooks) if topic and topic not in known][:room]
    blank = {topic: KnownHook(topic=topic, at_hook_url=False) for topic in topics}
    return {topic: _back({**blank, **known}[topic], at_hook_url=hooks[topic]) for topic in topics}


def _back(hook: KnownHook, *, at_hook_url: bool) -> KnownHook:
    """It is there: why it could not be made is no more of interest."""
    ended_at = None if hook.failure else hook.ended_at
    return replace(hook, at_hook_url=at_hook_url, ended_at=ended_at, failure=None, is_left=False)


def _missing(hook: KnownHook, *, is_used: bool, asked_at: datetime, now: datetime) -> KnownHook:
    is_older_answer = hook.ended_at is not None and hook.ended_at >= asked_at
    if hook.is_left or is_older_answer or is_under_way(hook.begun_at, now):
        return hook
    if is_used or not _is_recent(hook, now):
        return replace(hook, begun_at=now)
    return hook if hook.failure else replace(hook, is_left=True)


def _is_recent(hook: KnownHook, now: datetime) -> bool:
    return hook.ended_at is not None and now - hook.ended_at < PAUSE
