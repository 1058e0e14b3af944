"""Several steps at once, which stand or fall together."""

import asyncio
from collections.abc import Coroutine, Iterable


async def together(steps: Iterable[Coroutine[None, None, None]]) -> None:
    """All steps are done. The first failure cancels the others and is raised as itself, not in a group."""
    failures: list[Exception] = []

    async def watched(step: Coroutine[None, None, None]) -> None:
        try:
            await step
        except Exception as failure:
            failures.append(failure)
            raise

    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(watched(step))
    except BaseExceptionGroup:
        if failures:
            raise failures[0] from None
        raise
