"""The database server: both sources of its programs, and a data folder that is whole or not at all."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.accounts import Account, server_account
from deploy.local.errors import LocalError, Refused, StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.postgres import IMMEDIATE_STOP, Server, scratch_folder, start_server
from deploy.local.postgres_command import answers_sign_in, prepare_server
from deploy.local.postgres_folder import prepare_folder
from deploy.local.postgres_programs import Programs, choose_programs, system_programs, wheel_programs


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's account can enter, which a test's usual one is not when we are root."""
    made = scratch_folder()
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def wheel() -> Iterator[Programs]:
    """The wheel's server, unpacked once for this module."""
    made = scratch_folder()
    yield wheel_programs(made / "wheel", server_account())
    shutil.rmtree(made)


def query(server: Server, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.admin_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_wheel_serves_without_a_home_folder(wheel: Programs, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUITOU_POSTGRES", "wheel")
    monkeypatch.setenv("HOME", "/nonexistent")
    shutil.copytree(wheel.folder.parents[3], folder / "wheel", symlinks=True)

    with start_server(folder) as server:
        assert str(query(server, "SHOW server_version")).startswith(str(wheel.major))
        assert query(server, "SHOW fsync") == "on"
    assert not Path("/nonexistent").exists()


def test_data_survives_a_stop_and_a_crash(folder: Path) -> None:
    with start_server(folder) as server:
        query(server, "CREATE TABLE kept AS SELECT 1 AS n")
        server.stop(IMMEDIATE_STOP)

    with start_server(folder) as server:
        assert query(server, "SELECT n FROM kept") == 1
    assert not answers_sign_in(server.port)


def test_a_password_is_asked_for_on_tcp(folder: Path) -> None:
    with start_server(folder) as server, pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(server.admin_url.replace(":huitou@", ":wrong@")))


def test_the_unix_socket_answers_too(folder: Path) -> None:
    with start_server(folder) as server:
        sockets = folder / "socket"

        async def ask() -> object:
            connection = await asyncpg.connect(
                host=str(sockets), port=server.port, user="postgres", password="huitou", database="postgres"
            )
            try:
                return await connection.fetchval("SELECT inet_server_addr() IS NULL")
            finally:
                await connection.close()

        assert asyncio.run(ask()) is True


def test_another_major_version_is_refused_and_the_data_stays(folder: Path) -> None:
    with start_server(folder) as server:
        query(server, "CREATE TABLE kept AS SELECT 1 AS n")
    (folder / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(Refused, match=r"was made by PostgreSQL 9; the server found is PostgreSQL \d+ .*make reset"):
        start_server(folder)

    assert (folder / "data" / "base").exists()


def test_a_half_initialised_folder_is_kept_aside_and_a_new_one_made(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "something").write_text("perhaps precious")

    with start_server(folder) as server:
        assert query(server, "SELECT 1") == 1

    (aside,) = folder.glob("data.unfinished-*")
    assert (aside / "something").read_text() == "perhaps precious"


def test_an_initdb_that_was_interrupted_is_begun_again(folder: Path) -> None:
    (folder / "data.part").mkdir()
    (folder / "data.part" / "PG_VERSION").write_text("15\n")

    with start_server(folder) as server:
        assert query(server, "SELECT 1") == 1

    assert not (folder / "data.part").exists()


def test_a_lock_left_by_a_dead_server_does_not_matter(folder: Path) -> None:
    start_server(folder).stop()
    lock = folder / "data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{folder / 'data'}\n")  # the number now belongs to another program

    with start_server(folder) as server:
        assert query(server, "SELECT 1") == 1


def test_a_server_that_a_killed_stack_left_is_ended_first(folder: Path) -> None:
    left = start_server(folder)
    query(left, "CREATE TABLE kept AS SELECT 1 AS n")

    with start_server(folder) as server:
        assert server.pid != left.pid
        assert query(server, "SELECT n FROM kept") == 1
    left.stop()


def test_an_initdb_that_fails_says_why_and_leaves_nothing_half_made(folder: Path) -> None:
    programs = folder / "programs"
    programs.mkdir()
    broken = programs / "initdb"
    broken.write_text("#!/bin/sh\necho 'could not write: No space left on device' >&2\nexit 1\n")
    broken.chmod(0o755)

    with pytest.raises(StartFailed, match="No space left on device"):
        prepare_folder(
            folder / "postgres",
            programs=Programs(folder=programs, major=15),
            account=server_account(),
            password="huitou",
        )

    assert not (folder / "postgres" / "data").exists()
    assert not (folder / "postgres" / "password.part").exists()


def test_a_server_that_cannot_start_shows_its_log(folder: Path) -> None:
    start_server(folder).stop()
    (folder / "data" / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(StartFailed, match="no_such_setting"):
        start_server(folder)


def test_the_data_is_closed_to_other_users(folder: Path) -> None:
    prepared = prepare_server(folder, port=5432, password="huitou")

    assert stat.S_IMODE(prepared.cluster.stat().st_mode) == 0o700


def test_the_source_can_be_forced(folder: Path) -> None:
    account, nothing = server_account(), {"PATH": ""}
    with pytest.raises(Refused, match="may be 'system' or 'wheel'"):
        choose_programs(unpack_into=folder, account=account, environment={"HUITOU_POSTGRES": "docker"})

    forced = {"HUITOU_POSTGRES": "system", **nothing}
    if system_programs(nothing) is None:
        with pytest.raises(Refused, match="no PostgreSQL >= 14 was found"):
            choose_programs(unpack_into=folder, account=account, environment=forced)
    else:
        assert choose_programs(unpack_into=folder, account=account, environment=forced).major >= 14


def test_programs_on_path_come_first_and_old_ones_do_not_count(folder: Path) -> None:
    for name, version in (("old", "13.9"), ("new", "99.1")):
        (folder / name).mkdir()
        for program in ("postgres", "initdb"):
            file = folder / name / program
            file.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
            file.chmod(0o755)

    found = system_programs({"PATH": f"{folder / 'old'}:{folder / 'new'}"})

    assert found is not None
    assert (found.folder, found.major) == (folder / "new", 99)


def test_a_closed_folder_is_refused_with_the_account_and_the_remedy(folder: Path) -> None:
    stranger = Account(name="stranger", uid=os.getuid(), gid=os.getgid(), switch=False)
    stranger.refuse_closed(folder)  # nothing to switch to: our own rights count
    account = server_account()
    if not account.switch:
        return
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / "data").mkdir()

    with pytest.raises(Refused, match=rf"{account.name}.*HUITOU_DATA"):
        prepare_server(folder / "home" / "data", port=5432, password="huitou")


def test_the_server_ends_with_the_process_that_started_it(folder: Path) -> None:
    script = (
        "import sys, threading\nfrom pathlib import Path\nfrom deploy.local.postgres import start_server\n"
        f"print(start_server(Path({str(folder)!r})).port, flush=True)\nthreading.Event().wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        assert answers_sign_in(port)
        parent.kill()

    async def gone() -> None:
        async with asyncio.timeout(60):
            while (folder / "data" / "postmaster.pid").exists():  # noqa: ASYNC110 - a process gives no event
                await asyncio.sleep(0.02)

    asyncio.run(gone())
    assert not answers_sign_in(port)


def test_errors_of_one_machine_share_a_root() -> None:
    assert issubclass(Refused, LocalError)
    assert issubclass(StartFailed, LocalError)
