"""Who runs the database server: ourselves, or an unprivileged account when we are root."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from deploy.local.errors import Refused

_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine; `switch` says that we must become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def run(self, command: Sequence[str | Path], **environment: str) -> "subprocess.CompletedProcess[str]":
        """The command has ended, run as this account with nothing else in its environment; output captured."""
        identity = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]  # noqa: S603 - the stubs want literals
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **environment},
            **identity,
        )

    def own(self, path: Path) -> None:
        """The file or folder belongs to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def open_up(self, folder: Path) -> None:
        """This folder (not the ones above it) can be passed through by the account; its list stays closed."""
        if self.switch:
            folder.chmod(folder.stat().st_mode | 0o011)

    def refuse_closed(self, folder: Path) -> None:
        """The account can enter the folder.

        Raises:
            Refused: a folder on the way is closed to it.
        """
        if self.switch and self.run(["/bin/sh", "-c", 'cd "$0"', folder]).returncode:
            raise Refused(
                f"PostgreSQL does not run as root, and the account {self.name!r}, which runs it instead, may not enter "
                f"{folder}. Choose a folder outside every home with HUITOU_DATA, such as /var/lib/huitou."
            )


def server_account() -> Account:
    """The present user, or as root `postgres` or `nobody`, whichever exists.

    Raises:
        Refused: root on a machine that has neither.
    """
    if os.getuid() != 0:
        me = pwd.getpwuid(os.getuid())
        return Account(name=me.pw_name, uid=me.pw_uid, gid=me.pw_gid, switch=False)
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=found.pw_uid, gid=found.pw_gid, switch=True)
    raise Refused("PostgreSQL does not run as root, and there is no account 'postgres' or 'nobody' to run it instead.")


def launch_command(
    command: Sequence[str | Path], *, death_signal: Signals, account: Account | None, niceness: int = 0
) -> list[str]:
    """The command that runs `command` as the account and lets it die with this process.

    The greater its `niceness` (0 to 19), the more it leaves to others where all of the machine is in use.
    """
    uid, gid = (account.uid, account.gid) if account is not None and account.switch else (-1, -1)
    numbers = [str(number) for number in (os.getpid(), int(death_signal), uid, gid, niceness)]
    return [sys.executable, "-I", "-S", str(_LAUNCH), *numbers, *(str(part) for part in command)]
