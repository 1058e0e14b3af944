"""A mail catcher: takes every message on a loopback port and writes it to a folder as an .eml file.

usage: python -m deploy.local.mail serve PORT FOLDER | list [FOLDER]
"""

import asyncio
import email
import email.policy
import itertools
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.console import Console
from rich.table import Table

from deploy.local.folders import default_folders
from deploy.local.ports import HOST

_LISTED = 20
_LARGEST_MESSAGE = 10 * 1024 * 1024


class Catcher:
    """Stores what arrives. File names sort by arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, _server: SMTP | None, _session: Session | None, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        """The message is a file when the sender reads 250; on a full disk the sender is told to come again."""
        try:
            self._store(envelope)
        except OSError as error:
            return f"452 not stored: {error.strerror}"
        return "250 stored"

    def _store(self, envelope: Envelope) -> None:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{next(self._numbers):06d}.eml"
        unfinished = self._folder / f".{name}.part"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        unfinished.write_bytes(head.encode() + (envelope.original_content or b""))
        unfinished.replace(self._folder / name)


async def serve(port: int, folder: Path) -> None:
    """Catches mail until SIGTERM. The folder exists."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, ended.set)
    catcher = Catcher(folder)
    server = await loop.create_server(
        lambda: SMTP(catcher, hostname="localhost", data_size_limit=_LARGEST_MESSAGE, enable_SMTPUTF8=True, loop=loop),
        HOST,
        port,
    )
    print(f"catching mail on {HOST}:{port} into {folder}", flush=True)
    await ended.wait()
    server.close()


def table(folder: Path) -> Table:
    """The newest messages, oldest first."""
    files = sorted(folder.glob("*.eml"))
    result = Table(title=f"{len(files)} messages in {folder}", title_justify="left")
    for heading in ("file", "to", "subject"):
        result.add_column(heading, overflow="fold")
    for file in files[-_LISTED:]:
        with file.open("rb") as opened:
            message = email.message_from_binary_file(opened, policy=email.policy.default)
        result.add_row(file.name, str(message["To"]), str(message["Subject"]))
    return result


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    match arguments:
        case ["serve", port, folder]:
            Path(folder).mkdir(parents=True, exist_ok=True)
            asyncio.run(serve(int(port), Path(folder)))
        case ["list"]:
            Console().print(table(default_folders().mail))
        case ["list", folder]:
            Console().print(table(Path(folder)))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
