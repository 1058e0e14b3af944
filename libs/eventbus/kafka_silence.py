"""Telling a broker that is away from a connection that is: only the second is helped by starting anew.

Connections can be half open: nothing comes, and no end either. The client would find each of them out by a time-out of
its own, one after the other, while whoever connects anew is answered at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from libs.eventbus.errors import DeafConnection

SILENT_SECONDS: Final = 8.0
"""Brokers answer fetches every tenth of a second, even with nothing; a new leader is found within a few seconds."""
AGAIN_SECONDS: Final = 1.0
"""How long the client may take to come back by itself, once a broker answers."""


class Silence:
    """How long nothing has been heard, and whether others are answered meanwhile.

    `answers` says whether a broker answers somebody who connects now; without it, silence is never suspicious.
    """

    def __init__(self, answers: Callable[[], Awaitable[bool]] | None) -> None:
        self._answers = answers
        self._since = self._asked_at = asyncio.get_running_loop().time()
        self._answered = False

    @property
    def is_long(self) -> bool:
        """Nothing that is asked over these connections can be expected to be answered."""
        return asyncio.get_running_loop().time() - self._since >= SILENT_SECONDS

    def broken(self) -> None:
        """Something was heard."""
        self._since, self._answered = asyncio.get_running_loop().time(), False

    async def judge(self, *, suspicious: bool) -> None:
        """Returns while all is well, or nobody is answered. `suspicious`: whether something should have been heard.

        Raises: DeafConnection: a broker answers others, and not us.
        """
        now = asyncio.get_running_loop().time()
        if not suspicious:
            self.broken()
        if self._answers is None or not self.is_long or now - self._asked_at < AGAIN_SECONDS:
            return
        answered_before, self._answered = self._answered, await self._answers()
        self._asked_at = asyncio.get_running_loop().time()
        if answered_before and self._answered:
            raise DeafConnection(f"nothing heard for {now - self._since:.0f} s, while others are answered")
