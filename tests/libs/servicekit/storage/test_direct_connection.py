"""A direct connection answers, counts and fails as SQLAlchemy's own does: each case runs on both and is compared."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, bindparam, text
from sqlalchemy.exc import DBAPIError, IntegrityError, NotSupportedError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deploy.local.databases import ServiceUrls
from libs.servicekit import direct_connection
from libs.servicekit.database import create_engine
from libs.servicekit.direct_connection import DirectConnection, plain_of

ID = UUID("0192f0c5-3a00-7000-8000-000000000001")
AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

TABLE = text("CREATE TABLE thing (id int4 PRIMARY KEY, word text CHECK (word <> 'bad'), extra jsonb)")
ADD = text("INSERT INTO thing (id, word) SELECT * FROM unnest(CAST(:ids AS int4[]), CAST(:words AS text[]))")


@pytest.fixture
async def direct(service_urls: Callable[[str], Awaitable[ServiceUrls]]) -> AsyncIterator[AsyncEngine]:
    engine = create_engine((await service_urls("loyalty")).owner, "owner", pool_size=2)
    async with engine.begin() as connection:
        await connection.execute(TABLE)
        await connection.execute(ADD, {"ids": [1, 2, 3], "words": ["a", "b", "c"]})
    yield engine
    await engine.dispose()


@pytest.fixture
def usual(direct: AsyncEngine) -> AsyncEngine:
    """The same pool under SQLAlchemy's own connections."""
    return AsyncEngine(direct.sync_engine)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that went straight to the driver."""
    seen: list[str] = []
    fetch = direct_connection._fetched

    async def watched(sync: Any, sql: str, values: list[Any]) -> Any:
        seen.append(sql)
        return await fetch(sync, sql, values)

    monkeypatch.setattr(direct_connection, "_fetched", watched)
    return seen


VALUES = text(
    """
    SELECT CAST(:id AS uuid) AS id, CAST(:at AS timestamptz) AS at, CAST(:amount AS numeric) AS amount,
        CAST(:words AS text[]) AS words, CAST(:extra AS jsonb) AS extra, CAST(:raw AS bytea) AS raw,
        CAST(:nothing AS text) AS nothing, CAST(:id AS uuid) AS again, '\\:id' AS escaped
    """
)
GIVEN = {
    "id": ID,
    "at": AT,
    "amount": Decimal("12.50"),
    "words": ["x", "y"],
    "extra": '{"a": [1]}',
    "raw": b"\x00\xff",
    "nothing": None,
}
STATEMENTS = [
    (VALUES, GIVEN),
    (text("SELECT id, word FROM thing ORDER BY id"), None),
    (text("SELECT id, word FROM thing WHERE id > :id"), {"id": 7, "unused": 1}),
    (text("INSERT INTO thing (id) VALUES (:id)"), {"id": 9}),
    (text("INSERT INTO thing (id) VALUES (:id) RETURNING id, word"), {"id": 10}),
    (text("UPDATE thing SET word = 'd' WHERE id < :id"), {"id": 3}),
    (text("DELETE FROM thing"), None),
    (text("WITH gone AS (DELETE FROM thing RETURNING id) SELECT count(*) FROM gone"), None),
    (text("CREATE TEMPORARY TABLE passing (id int4)"), None),
    (text("SELECT word, extra FROM thing WHERE false"), {}),
]


async def answer(engine: AsyncEngine, statement: Any, values: Any) -> dict[str, Any]:
    """Everything that callers look at, of a transaction that is taken back."""
    async with engine.connect() as connection, connection.begin() as transaction:
        done = await connection.execute(statement, values)
        found: dict[str, Any] = {"rowcount": done.rowcount, "returns_rows": done.returns_rows}
        if done.returns_rows:
            found["keys"] = list(done.keys())
            rows = done.all()
            found |= {"tuples": [tuple(row) for row in rows], "mappings": [dict(row._mapping) for row in rows]}
            found |= {"named": [[getattr(row, key) for key in found["keys"]] for row in rows]}
            found |= {"types": [[type(value) for value in row] for row in rows]}
        await transaction.rollback()
    return found


@pytest.mark.parametrize(("statement", "values"), STATEMENTS)
async def test_rows_names_types_and_counts_are_the_same(
    direct: AsyncEngine, usual: AsyncEngine, fetched: list[str], statement: Any, values: Any
) -> None:
    ours = await answer(direct, statement, values)
    assert len(fetched) == 1
    assert await answer(usual, statement, values) == ours
    assert len(fetched) == 1


async def test_a_result_is_read_in_every_usual_way(direct: AsyncEngine) -> None:
    async with direct.begin() as connection:
        select = text("SELECT id, word FROM thing ORDER BY id LIMIT :n")
        assert [row.word for row in await connection.execute(select, {"n": 2})] == ["a", "b"]
        assert (await connection.execute(select, {"n": 1})).one() == (1, "a")
        assert (await connection.execute(select, {"n": 0})).one_or_none() is None
        assert (await connection.execute(select, {"n": 3})).scalars().all() == [1, 2, 3]
        assert [dict(row) for row in (await connection.execute(select, {"n": 1})).mappings()] == [
            {"id": 1, "word": "a"}
        ]
        assert await connection.scalar(select, {"n": 1}) == 1
        assert [(number, word) for number, word in await connection.execute(select, {"n": 2})] == [(1, "a"), (2, "b")]


FAILURES = [
    (text("INSERT INTO thing (id) VALUES (:id)"), {"id": 1}, "23505"),
    (text("INSERT INTO thing (id, word) VALUES (:id, 'bad')"), {"id": 4}, "23514"),
    (text("SELECT nothing FROM nowhere WHERE :id = 1"), {"id": 1}, "42P01"),
    (text("SELECT 1 / CAST(:id AS int4)"), {"id": 0}, "22012"),
]


async def failure(engine: AsyncEngine, statement: Any, values: Any) -> tuple[Any, ...]:
    async with engine.begin() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(statement, values)
        with pytest.raises(DBAPIError, match="transaction is aborted") as after:
            await connection.execute(text("SELECT 1"))
        await connection.rollback()
    error = caught.value
    orig: Any = error.orig
    return type(error), type(orig), orig.sqlstate, str(error), error.connection_invalidated, type(after.value)


@pytest.mark.parametrize(("statement", "values", "state"), FAILURES)
async def test_failures_are_the_same_and_show_no_values(
    direct: AsyncEngine, usual: AsyncEngine, statement: Any, values: Any, state: str
) -> None:
    ours = await failure(direct, statement, values)
    assert ours == await failure(usual, statement, values)
    assert ours[2] == state
    assert "[SQL parameters hidden" in ours[3]


async def test_a_value_that_the_driver_refuses_leaves_the_transaction_alone(
    direct: AsyncEngine, usual: AsyncEngine
) -> None:
    told = []
    for engine in (direct, usual):
        async with engine.begin() as connection:
            with pytest.raises(DBAPIError, match="invalid input for query argument") as caught:
                await connection.execute(text("SELECT CAST(:id AS int4)"), {"id": "no number"})
            assert await connection.scalar(text("SELECT 1")) == 1
        told.append((type(caught.value), type(caught.value.orig), str(caught.value)))
    assert told[0] == told[1]


async def test_a_savepoint_is_taken_back_alone(direct: AsyncEngine, fetched: list[str]) -> None:
    async with direct.begin() as connection:
        inner = await connection.begin_nested()
        await connection.execute(text("DELETE FROM thing WHERE id = 3"))
        with pytest.raises(IntegrityError):
            await connection.execute(text("INSERT INTO thing (id) VALUES (:id)"), {"id": 1})
        await inner.rollback()
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 3
    assert len(fetched) == 3


async def test_a_table_that_changed_fails_once_and_works_again(direct: AsyncEngine) -> None:
    select = text("SELECT * FROM thing WHERE id = :id")
    async with direct.connect() as reader, direct.connect() as changer:
        async with reader.begin():
            assert len((await reader.execute(select, {"id": 1})).one()) == 3
        async with changer.begin():
            await changer.execute(text("ALTER TABLE thing ADD COLUMN more text"))
        with pytest.raises(NotSupportedError, match="cached statement plan is invalid"):
            async with reader.begin():
                await reader.execute(select, {"id": 1})
        async with reader.begin():
            assert (await reader.execute(select, {"id": 1})).one() == (1, "a", None, None)


async def test_who_is_cancelled_leaves_no_connection_in_the_pool(direct: AsyncEngine) -> None:
    async def wait(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": 30})

    async with direct.connect() as connection:
        before = await connection.scalar(text("SELECT pg_backend_pid()"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2), direct.begin() as connection:
            await wait(connection)
    async with direct.connect() as connection:
        assert await connection.scalar(text("SELECT pg_backend_pid()")) != before


async def test_what_needs_more_than_the_driver_is_left_to_sqlalchemy(direct: AsyncEngine, fetched: list[str]) -> None:
    typed = text("UPDATE thing SET extra = :extra WHERE id = 1").bindparams(bindparam("extra", type_=JSON))
    several = text("DELETE FROM thing WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
    assert plain_of(typed) is None
    assert plain_of(several) is None
    async with direct.begin() as connection:
        assert isinstance(connection, DirectConnection)
        await connection.execute(typed, {"extra": {"a": 1}})
        await connection.execute(several, {"ids": [2, 3]})
        await connection.execute(text("INSERT INTO thing (id) VALUES (:id)"), [{"id": 5}, {"id": 6}])
        with pytest.raises(StatementError, match="A value is required for bind parameter 'id'"):
            await connection.execute(text("SELECT :id"), {"other": 1})
    assert fetched == []
    async with direct.connect() as connection:
        found = await connection.execute(text("SELECT id, extra FROM thing ORDER BY id"))
        assert found.all() == [(1, {"a": 1}), (5, None), (6, None)]


async def test_a_connection_without_a_transaction_begins_one(direct: AsyncEngine) -> None:
    async with direct.connect() as connection:
        await connection.execute(text("DELETE FROM thing"))
        await connection.execute(text("INSERT INTO thing (id) VALUES (:id)"), {"id": 1})
        assert connection.in_transaction()
        await connection.rollback()
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 3


async def test_without_transactions_every_statement_stands(direct: AsyncEngine) -> None:
    async with direct.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("DELETE FROM thing WHERE id = :id"), {"id": 1})
        await connection.execute(text("DELETE FROM thing WHERE id = :id"), {"id": 2})
        await connection.rollback()
    async with direct.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 1


def lent(engine: AsyncEngine) -> int:
    """How many of the pool's connections are out."""
    pool: Any = engine.pool
    return int(pool.checkedout())


async def test_whatever_ends_a_transaction_the_pool_gets_its_connection_back(direct: AsyncEngine) -> None:
    async with direct.begin() as connection:
        assert lent(direct) == 1
        await connection.execute(text("ALTER TABLE thing ADD UNIQUE (word) DEFERRABLE INITIALLY DEFERRED"))
    with pytest.raises(DBAPIError, match="division by zero"):
        async with direct.begin() as connection:
            await connection.execute(text("SELECT 1 / 0"))
    with pytest.raises(IntegrityError, match="duplicate key"):
        async with direct.begin() as connection:  # refused at its end
            await connection.execute(ADD, {"ids": [8, 9], "words": ["same", "same"]})
    async with direct.begin() as connection:
        await connection.execute(ADD, {"ids": [8], "words": ["alone"]})
        await connection.rollback()
    assert lent(direct) == 0
    async with direct.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 3


async def test_a_commit_that_is_cancelled_gives_its_connection_up(direct: AsyncEngine) -> None:
    async with direct.begin() as connection:
        await connection.execute(
            text(
                "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN PERFORM pg_sleep(30); RETURN NEW; END'"
            )
        )
        await connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION slow()"
            )
        )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3), direct.begin() as connection:
            await connection.execute(ADD, {"ids": [8], "words": ["x"]})
    assert lent(direct) == 0
    async with direct.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM thing")) == 3
