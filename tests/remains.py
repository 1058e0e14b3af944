"""What is left of a person in a service's database: every column of every table that can hold words is looked through.

The outbox is apart: it ages out, and what is personal in it is sealed.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

import asyncpg

_COLUMNS: Final = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name !~ '^outbox'
        AND (c.data_type IN ('text', 'character varying', 'character', 'bytea', 'json', 'jsonb', 'ARRAY'))
    ORDER BY c.table_name, c.column_name
"""
_SEALED: Final = re.compile(r"gAAAA[A-Za-z0-9_=-]{60,}")


async def remains(url: str, words: Collection[str], *, opened: Callable[[str], str] | None = None) -> list[str]:
    """`table.column` of every place that holds one of the words, in clear, as bytes or, with `opened`, sealed.

    `url` is the owner's: nothing is hidden from it.
    """
    owner = await asyncpg.connect(url)
    try:
        places = await owner.fetch(_COLUMNS)
        assert len(places) > 20, "the owner sees the tables"
        return [
            f"{table}.{column}"
            for table, column in places
            if any(_names(text, words, opened) for text in await _texts(owner, table, column))
        ]
    finally:
        await owner.close()


async def _texts(owner: asyncpg.Connection, table: str, column: str) -> list[str]:
    rows = await owner.fetch(f'SELECT DISTINCT "{column}" AS kept FROM "{table}" WHERE "{column}" IS NOT NULL')
    return [kept.decode("latin-1") if isinstance(kept, bytes) else str(kept) for kept, *_ in rows]


def _names(text: str, words: Collection[str], opened: Callable[[str], str] | None) -> bool:
    return any(word in each for each in _read(text, opened) for word in words)


def _read(text: str, opened: Callable[[str], str] | None) -> Iterator[str]:
    yield text
    if opened is not None:
        yield from map(opened, _SEALED.findall(text))
