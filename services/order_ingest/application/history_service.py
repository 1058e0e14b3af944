"""What the sender of a history file asks for: the file on its machine, the service over HTTP."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Query: TypeAlias = Mapping[str, str]
"""The store and what is said of the file, as the service's query has it."""
Reached: TypeAlias = Callable[[int], None]
"""Hears how many bytes have passed so far."""


class HistoryError(Exception):
    """The file was not imported, or not as a whole.

    HistoryError
    |-- FileChanged        it is not the file any more that it was at the start
    |-- ServiceAway        no answer, or none now
    |-- ServiceRefuses     it says no, and says why
    `-- ImportFailed       it was taken, and its job ended without having read it
    """


class FileChanged(HistoryError):
    """The file was written to while it was read."""


class ServiceAway(HistoryError):
    """The service may answer later; `after_seconds` is its own wish, if it had one."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class ServiceRefuses(HistoryError):
    """The service will not answer otherwise until something else is asked; the flaws are places and what is wrong."""

    def __init__(self, kind: str, title: str, detail: str, flaws: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(f"{title}: {detail}")
        self.kind = kind
        self.flaws = tuple(flaws)


class ImportFailed(HistoryError):
    """The import ended, and not all of its rows were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSeen:
    """An import as the service shows it; `is_known`: an earlier request brought its file."""

    import_id: str
    job_id: str
    state: str
    rows_uploaded: int
    rows_read: int
    accepted: int
    duplicates: int
    rejected: int
    finished_at: str | None
    is_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """How far an import's job has come, in rows; `failure` says why it ended without success."""

    is_over: bool
    done: int
    total: int | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was left out: its line in the file, and why."""

    row_no: int
    reason: str


class HistoryFile(Protocol):
    """A file on this machine, read in blocks. Raises: FileChanged; OSError."""

    @property
    def size(self) -> int: ...
    async def digest(self, reached: Reached) -> str: ...
    def blocks(self) -> AsyncIterator[bytes]: ...
    @property
    def is_gzip(self) -> bool: ...


class HistoryService(Protocol):
    """The service over HTTP; every call may be repeated. Raises: ServiceAway, ServiceRefuses."""

    async def known(self, query: Query, key: str) -> ImportSeen | None:
        """The import that an earlier request with this key brought; None if its file has not arrived as a whole."""
        ...

    async def upload(self, query: Query, key: str, file: HistoryFile, reached: Reached) -> ImportSeen:
        """The import, once the service has the whole file; `reached` hears how many bytes are on their way."""
        ...

    async def preview(self, query: Query, file: HistoryFile, reached: Reached) -> Mapping[str, Any]: ...
    async def shown(self, import_id: str) -> ImportSeen: ...
    async def job(self, job_id: str) -> JobSeen: ...
    async def rejected(self, import_id: str, cursor: str | None) -> tuple[Sequence[RejectedRow], str | None]:
        """A page of rejected rows, and where the next one begins."""
        ...
