"""SQLAlchemy's connection, except that textual SQL goes straight to the driver.

Six sevenths of a short statement's time in Python are spent on what `text()` needs nothing of: a compiled construct's
context, the cursor that looks like a synchronous one, two changes of greenlet. Everything else stays SQLAlchemy's: the
pool, transactions, prepared statements and their invalidation, errors and what they do to a connection.

Source: sqlalchemy/dialects/postgresql/asyncpg.py, `_prepare_and_execute`; engine/base.py, `_handle_dbapi_exception`.
"""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, CursorResult, Engine, RootTransaction, TextClause, text
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.asyncio.base import _run_to_completion
from sqlalchemy.types import NullType
from sqlalchemy.util import greenlet_spawn

_DIALECT: Final[Any] = asyncpg.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_COUNT: Final = re.compile(r"(?:SELECT|UPDATE|DELETE|INSERT \d+) (\d+)")
_NAME: Final = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Plain:
    """A statement as the driver takes it: `$1` is the first of `names`, and so on."""

    sql: str
    names: tuple[str, ...]


class Rows(IteratorResult[Any]):
    """What a statement answered, as SQLAlchemy's own result; `rowcount` is -1 where the server does not count."""

    def __init__(self, keys: tuple[str, ...], rows: list[Any], rowcount: int) -> None:
        super().__init__(_described(keys), iter(rows))
        self.rowcount = rowcount
        self.returns_rows = bool(keys)


class DirectConnection(AsyncConnection):
    """Executes `text()` with named values itself, within a transaction; leaves everything else to SQLAlchemy."""

    __slots__ = ()

    async def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Any = None
    ) -> CursorResult[Any]:
        """As `AsyncConnection.execute`: its rows, counts and errors."""
        plain = plain_of(statement) if isinstance(statement, TextClause) and execution_options is None else None
        sync = self.sync_connection
        values = _in_order(plain, parameters) if plain is not None else None
        if plain is None or values is None or sync is None or not _is_open(sync):
            theirs: CursorResult[Any] = await super().execute(
                statement, parameters, execution_options=execution_options
            )
            return theirs
        try:
            keys, rows, status = await _fetched(sync, plain.sql, values)
        except BaseException as failure:
            await self.run_sync(_refuse, failure, plain.sql, parameters)
            raise
        counted = _COUNT.match(status)
        # Its iterator of rows is what the callers know of a CursorResult.
        return cast(CursorResult[Any], Rows(keys, rows, int(counted[1]) if counted else -1))


class DirectEngine(AsyncEngine):
    """Hands out direct connections."""

    __slots__ = ()
    _connection_cls = DirectConnection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """As `AsyncEngine.begin`, with two changes of greenlet instead of five, as long as nothing fails."""
        sync, transaction = await greenlet_spawn(_begun, self.sync_engine)
        connection = DirectConnection(self, sync)
        try:
            try:
                yield connection
            except BaseException:
                await greenlet_spawn(transaction.__exit__, *sys.exc_info())
                raise
            await greenlet_spawn(_committed_and_closed, sync, transaction)
        finally:
            if not sync.closed:
                await _run_to_completion(connection.close())


def _begun(engine: Engine) -> tuple[Connection, RootTransaction]:
    connection = engine.connect()
    return connection, connection.begin()


def _committed_and_closed(connection: Connection, transaction: RootTransaction) -> None:
    transaction.__exit__(None, None, None)
    connection.close()


def plain_of(statement: TextClause) -> Plain | None:
    """The statement for the driver; None if SQLAlchemy has to prepare its values."""
    try:
        return _PLAIN[statement]
    except KeyError:
        typed = any(not isinstance(each.type, NullType) or each.expanding for each in statement._bindparams.values())
        found = _PLAIN[statement] = None if typed else _compiled(statement.text)
        return found


_PLAIN: Final = WeakKeyDictionary[TextClause, Plain | None]()


@lru_cache(maxsize=1024)
def _compiled(sql: str) -> Plain:
    compiled = text(sql).compile(dialect=_DIALECT)
    return Plain(compiled.string, tuple(compiled.positiontup or ()))


@lru_cache(maxsize=1024)
def _described(keys: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(keys)


def _is_open(sync: Connection) -> bool:
    """A transaction has begun and may go on: where not, SQLAlchemy begins one, or says what is wrong."""
    transaction = sync.get_nested_transaction() or sync.get_transaction()
    return transaction is not None and transaction.is_active and not sync.invalidated


def _in_order(plain: Plain, parameters: Any) -> list[Any] | None:
    """The values as the statement counts them; None where SQLAlchemy has to see to them, or to say which is missing."""
    if type(parameters) is not dict:
        return [] if not parameters and not plain.names else None
    try:
        return [parameters[name] for name in plain.names]
    except KeyError:
        return None


async def _fetched(sync: Connection, sql: str, values: list[Any]) -> tuple[tuple[str, ...], list[Any], str]:
    """The names of the columns, the rows, and what the server says that it did."""
    dialect: Any = sync.dialect
    adapted: Any = sync.connection.dbapi_connection
    async with adapted._execute_mutex:
        if adapted._transaction is None:
            await adapted._start_transaction()
        prepared, attributes = await adapted._prepare(sql, dialect._invalidate_schema_cache_asof)
        rows = await prepared.fetch(*values)
        return tuple(map(_NAME, attributes)), rows, prepared.get_statusmsg() or ""


def _refuse(sync: Connection, failure: BaseException, sql: str, values: Any) -> None:
    """What SQLAlchemy raises for the failure, after it did to the connection what the failure calls for."""
    dialect: Any = sync.dialect
    known = failure
    if isinstance(failure, Exception):
        known = _translated(sync, failure)
    if isinstance(known, dialect.loaded_dbapi.InvalidCachedStatementError):
        dialect._invalidate_schema_cache()
    is_drivers = isinstance(known, dialect.loaded_dbapi.Error)
    try:
        raise known
    except BaseException as raised:
        sync._handle_dbapi_exception(raised, sql if is_drivers else None, values if is_drivers else None, None, None)


def _translated(sync: Connection, failure: Exception) -> Exception:
    """The error as the DBAPI would name it."""
    adapted: Any = sync.connection.dbapi_connection
    try:
        adapted._handle_exception(failure)
    except Exception as translated:
        return translated
    return failure
