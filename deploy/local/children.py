"""Child processes with a session of their own, whose output is read line by line."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from signal import Signals


async def spawn(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    """The process runs; what it and its children print comes out of the reader.

    The pipe is our own, because asyncio's end of process waits for its pipes, and children may hold those open.
    """
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    except OSError:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    output = asyncio.StreamReader()
    pipe = os.fdopen(reading, "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(output), pipe)
    return process, output


async def follow(
    process: asyncio.subprocess.Process, output: asyncio.StreamReader, take: Callable[[bytes], None]
) -> int:
    """The process has ended and `take` got each of its lines; returns its exit code."""
    copying = asyncio.create_task(_copy(output, take))
    code = await process.wait()
    end_group(process.pid)  # first: a child that is left would hold the output open
    await asyncio.wait([copying], timeout=2.0)
    copying.cancel()
    return code


def end_group(leader: int) -> None:
    """The children that the process left in its group have ended with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def described(code: int) -> str:
    """How a process ended, in words."""
    return f"exit code {code}" if code >= 0 else f"killed by {Signals(-code).name}"


async def _copy(output: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    """A line longer than the reader's buffer comes in pieces."""
    while True:
        try:
            line = await output.readuntil(b"\n")
        except asyncio.IncompleteReadError as end:
            line = end.partial
        except asyncio.LimitOverrunError as long:
            line = await output.readexactly(long.consumed)
        if not line:
            return
        take(line)
