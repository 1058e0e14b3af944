"""The server's data folder: made whole or not at all, of a known major version, free of stale locks."""

import os
import shutil
import signal
import time
from pathlib import Path

from deploy.local.accounts import Account
from deploy.local.errors import Refused, StartFailed
from deploy.local.postgres_programs import Programs

SUPERUSER = "postgres"
_LONGEST_SOCKET_FOLDER = 85  # the address of a Unix socket holds 107 bytes, the file's name included


def prepare_folder(folder: Path, *, programs: Programs, account: Account, password: str) -> Path:
    """`folder`/data is a complete cluster of the programs' major version, made now if there was none; returns it.

    Raises:
        Refused: it belongs to another major version, or a running server uses it.
        StartFailed: initdb failed; what it wrote is in the message.
    """
    folder.mkdir(parents=True, exist_ok=True)
    account.open_up(folder)
    account.refuse_closed(folder)
    cluster = folder / "data"
    if cluster.exists() and not (cluster / "PG_VERSION").exists():
        _move_aside(cluster)
    if not cluster.exists():
        _initialise(folder, cluster, programs=programs, account=account, password=password)
    _refuse_other_major(cluster, programs)
    _end_leftover_server(cluster)
    return cluster


def socket_folder(folder: Path, account: Account) -> Path | None:
    """Where the Unix socket lies; None if the path is too long for one."""
    sockets = folder / "socket"
    if len(os.fsencode(sockets)) > _LONGEST_SOCKET_FOLDER:
        return None
    sockets.mkdir(exist_ok=True)
    account.own(sockets)
    return sockets


def _initialise(folder: Path, cluster: Path, *, programs: Programs, account: Account, password: str) -> None:
    unfinished = folder / "data.part"
    shutil.rmtree(unfinished, ignore_errors=True)  # an interrupted initdb left it; nothing was ever stored in it
    unfinished.mkdir(mode=0o700)
    account.own(unfinished)
    password_file = folder / "password.part"
    password_file.touch(mode=0o600)
    password_file.write_text(password + "\n")
    account.own(password_file)
    command = [str(programs["initdb"]), "--pgdata", str(unfinished), "--username", SUPERUSER]
    command += ["--pwfile", str(password_file), "--auth", "scram-sha-256"]
    command += ["--encoding", "UTF8", "--locale", "C", "--data-checksums"]
    done = account.run(command, **programs.environment)
    password_file.unlink()
    if done.returncode:
        raise StartFailed(f"PostgreSQL could not make its data folder {unfinished}: {done.stderr.strip()[-800:]}")
    unfinished.rename(cluster)  # whole from this instant on


def _move_aside(cluster: Path) -> None:
    aside = cluster.with_name(f"data.unfinished-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    cluster.rename(aside)
    print(f"The data folder {cluster} was not complete; it was kept as {aside}, and a new one is made.")


def _refuse_other_major(cluster: Path, programs: Programs) -> None:
    recorded = (cluster / "PG_VERSION").read_text().strip()
    if recorded != str(programs.major):
        raise Refused(
            f"The data in {cluster} was made by PostgreSQL {recorded}; the server found is PostgreSQL {programs.major} "
            f"in {programs.folder}. Nothing was changed. Put PostgreSQL {recorded} first on PATH (or choose it with "
            "HUITOU_POSTGRES=system or wheel), or start with an empty folder by setting HUITOU_DATA, or delete the "
            "data with `make reset`."
        )


def _end_leftover_server(cluster: Path) -> None:
    lock = cluster / "postmaster.pid"
    if not lock.exists():
        return
    pid = int(lock.read_text().split("\n", 1)[0].strip() or 0)
    if not _is_server_of(pid, cluster):
        lock.unlink()  # its process is gone; the number may meanwhile belong to another program
        return
    print(f"A PostgreSQL server (process {pid}) of a stack that was killed still runs; it is stopped first.")
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + 30
    while _is_server_of(pid, cluster):
        if time.monotonic() > deadline:
            raise Refused(f"The PostgreSQL server {pid} on {cluster} does not stop. Stop it, then try again.")
        time.sleep(0.05)


def _is_server_of(pid: int, cluster: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return pid > 0 and not Path("/proc/self").exists() and _is_alive(pid)
    return os.fsencode(cluster) in command


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
