"""The main job on a stack of its own, with a few households."""

import io
from datetime import UTC, datetime

from rich.console import Console

from deploy.demo.main_job import Running, run
from deploy.local.stack import Stack


async def test_a_second_run_changes_nothing_and_prints_the_same() -> None:
    first, second = Console(file=io.StringIO(), width=140), Console(file=io.StringIO(), width=140)
    async with Stack() as started:
        stack = Running(folders=started.folders, urls=started.urls, keys=started.keys)
        before = await run(stack, first, now=datetime.now(UTC), households=4)
        after = await run(stack, second, now=datetime.now(UTC), households=4)

    assert after.plan == before.plan
    assert tables(second) == tables(first)
    assert before.figures.proof["violations"] == 0
    assert all(row["origin"] == "live" for row in before.figures.messages["outcomes"])


def tables(console: Console) -> str:
    """What was printed from the first table to the last."""
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    return text[text.index("Repurchase") : text.index("Where to look")]
