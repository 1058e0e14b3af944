"""R12: the database's disk is full."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.accounts import server_account
from deploy.local.folders import Folders
from deploy.local.postgres import scratch_folder
from deploy.local.postgres_programs import choose_programs
from tests.chaos.arena import Arena, new_stack, opened
from tests.chaos.books import check
from tests.chaos.killing import HEAL_SECONDS
from tests.chaos.load import Load, under_load
from tests.chaos.report import Measured, Report, Size
from tests.chaos.shop import Shop

_DISK_MB = 900  # a stack refuses to start below 500 MB
_FULL_SECONDS = 15.0
_REFUSED = "No space left on device"
_CHUNK = b"\0" * (1 << 20)


class _NoMount(Exception):
    """This account or machine does not allow mounting."""


async def r12(bus: str, seed: int, size: Size) -> Report:
    """PostgreSQL's disk is full while orders come in, then has room again."""
    name = "R12 disk full"
    try:
        with _small_disk() as disk:
            folders = Folders(data=disk, visible=disk.parent / "visible")
            async with opened(bus, new_stack(bus, folders=folders)) as arena:
                return await _filled(name, arena, seed, size, disk)
    except _NoMount as refused:
        return Report(name, {}, {}, None, not_run=str(refused))


async def _filled(name: str, arena: Arena, seed: int, size: Size, disk: Path) -> Report:
    shop = Shop(seed, orders=size.orders, prefix="R12-")
    async with under_load(arena, shop, per_second=min(size.per_second, 100)) as load:
        await asyncio.sleep(3)
        await _until_refused(load, disk / "ballast")
        await asyncio.sleep(_FULL_SECONDS)
        (disk / "ballast").unlink()
        ready = await arena.ready(within_seconds=HEAL_SECONDS)
    drained = await arena.drain(within_seconds=HEAL_SECONDS)
    verdict = await check(arena, arena.books)
    restarts = arena.stack.supervisor.restarts()
    log = (arena.stack.folders.logs / "postgres.log").read_text(errors="replace")
    tally = load.tally
    return Report(
        name,
        {"writes without room": log.count(_REFUSED), "answers 503": tally.refused.get("503", 0)},
        {"webhooks sent again": tally.refusals, "restarts of the server": restarts["postgres"]},
        verdict,
        drained,
        {
            "ready": Measured(ready, 60),
            "answers 503 without Retry-After": Measured(tally.without_retry_after, 0, ""),
        },
        await _corruptions(arena),
    )


async def _until_refused(load: Load, ballast: Path) -> None:
    """The disk is full, and the hook has said for the first time that it cannot store."""
    async with asyncio.timeout(HEAL_SECONDS):
        while "503" not in load.tally.refused:
            _fill(ballast)  # again: the server frees what it meant to use later
            await asyncio.sleep(0.2)


def _fill(ballast: Path) -> None:
    with ballast.open("ab", buffering=0) as file:
        try:
            while file.write(_CHUNK) == len(_CHUNK):
                pass
        except OSError:
            return  # full


async def _corruptions(arena: Arena) -> list[str]:
    """What `pg_checksums` finds in the stopped server's data folder: every page is read."""
    folders, account = arena.stack.folders, server_account()
    programs = choose_programs(unpack_into=folders.data / "wheel", account=account)
    await arena.stack.supervisor.halt("postgres")
    command = [str(programs.folder / "pg_checksums"), "--check", "--pgdata", str(folders.postgres / "data")]
    done = await asyncio.to_thread(account.run, command, **programs.environment)
    await arena.stack.supervisor.resume("postgres")
    return [f"pg_checksums: {done.stdout} {done.stderr}"] if done.returncode else []


@contextmanager
def _small_disk() -> Iterator[Path]:
    """A folder on a small disk of its own. Raises: _NoMount."""
    home = scratch_folder()
    disk = home / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m,mode=711", "tmpfs", str(disk)]
    done = subprocess.run(command, check=False, capture_output=True, text=True) if os.getuid() == 0 else None
    if done is None or done.returncode:
        raise _NoMount("it needs to mount a small tmpfs, which takes root; " + (done.stderr.strip() if done else ""))
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)
