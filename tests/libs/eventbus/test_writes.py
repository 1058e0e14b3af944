"""Writes that are sent together do what they would do one by one, in one round trip."""

from typing import Any, Final

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes, together
from tests.libs.eventbus.bed import Bed

_TABLES: Final = (
    "CREATE TEMP TABLE fruit (name text PRIMARY KEY, kind text) ON COMMIT DROP",
    "CREATE TEMP TABLE basket (name text) ON COMMIT DROP",
    "INSERT INTO fruit VALUES ('fig', 'dry'), ('kiwi', 'sour')",
    "INSERT INTO basket VALUES ('fig'), ('fig'), ('leek')",
)
_ADD: Final = text("""
INSERT INTO fruit (name, kind) SELECT * FROM unnest(CAST(:names AS text[]), CAST(:kinds AS text[]))
ON CONFLICT DO NOTHING
""")
_RENAME: Final = text(r"""
UPDATE fruit f SET kind = x.kind || ' at 12:30' FROM unnest(:names\:\:text[], :kinds\:\:text[]) x(name, kind)
WHERE f.name = x.name
""")
_TAKE: Final = text("DELETE FROM basket WHERE name = ANY(CAST(:names AS text[]))")
_WRITES: Final = (
    (_ADD, {"names": ["fig", "plum"], "kinds": ["new", "sweet"]}, 1),
    (_RENAME, {"names": ["kiwi", "yam"], "kinds": ["ripe", "raw"]}, 1),
    (_TAKE, {"names": ["fig"]}, 2),
)


async def _rows(connection: AsyncConnection) -> list[Any]:
    fruit = (await connection.execute(text("SELECT name, kind FROM fruit ORDER BY name"))).fetchall()
    return [*map(tuple, fruit), *(await connection.scalars(text("SELECT name FROM basket")))]


async def test_writes_sent_together_write_and_count_what_each_would_alone(bed: Bed) -> None:
    found = []
    for at_once in (True, False):
        async with bed.engine.begin() as connection:
            for statement in _TABLES:
                await connection.execute(text(statement))
            writes, counted = Writes(), list[int]()
            for write, values, _ in _WRITES:
                writes.add(write, values, counted.append)
                if not at_once:
                    await writes.send(connection)
            await writes.send(connection)
            found.append((counted, await _rows(connection)))

    assert found[0] == found[1]
    assert found[0][0] == [count for _, _, count in _WRITES]
    assert ("kiwi", "ripe at 12:30") in found[0][1]


async def test_all_of_them_are_one_statement(bed: Bed) -> None:
    sent: list[str] = []
    async with bed.engine.begin() as connection:
        for statement in _TABLES:
            await connection.execute(text(statement))
        event.listen(bed.engine.sync_engine, "before_cursor_execute", lambda *seen: sent.append(seen[2]))
        writes = Writes()
        for write, values, _ in _WRITES:
            writes.add(write, values)
        await writes.send(connection)
        await writes.send(connection)  # nothing is left

    assert len(sent) == 1


async def test_a_check_that_raises_ends_the_transaction(bed: Bed) -> None:
    def refuse(written: int) -> None:
        raise ValueError(f"{written} rows")

    async def write() -> None:
        async with bed.engine.begin() as connection:
            for statement in _TABLES:
                await connection.execute(text(statement))
            writes = Writes()
            writes.add(_TAKE, {"names": ["leek"]}, refuse)
            writes.add(_ADD, {"names": [], "kinds": []})
            await writes.send(connection)

    with pytest.raises(ValueError, match="1 rows"):
        await write()


def test_the_same_statements_are_put_together_once() -> None:
    assert together((_ADD, _TAKE)) is together((_ADD, _TAKE))
    assert together((_ADD, _TAKE)) is not together((_TAKE, _ADD))
