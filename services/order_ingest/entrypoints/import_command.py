"""`python -m services.order_ingest import FILE --store ID`: a file of history, sent from a shell."""

import argparse
import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, get_args
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import ValidationError

from services.order_ingest.application.history_service import (
    HistoryError,
    HistoryFile,
    HistoryService,
    ServiceAway,
    ServiceRefuses,
)
from services.order_ingest.application.send_history import Courier, Pause
from services.order_ingest.entrypoints.import_options import PresetName
from services.order_ingest.entrypoints.import_schemas import PreviewOut
from services.order_ingest.entrypoints.import_screen import Screen
from services.order_ingest.entrypoints.rejected_file import rejected_file

COMMAND: Final = "import"
TOKEN: Final = "HUITOU_TOKEN"  # noqa: S105 - the variable's name
URL: Final = "http://127.0.0.1:8001"
DONE, REJECTED, FAILED, STOPPED = 0, 1, 2, 130

OpenService: TypeAlias = Callable[[str, str], AbstractAsyncContextManager[HistoryService]]
"""Opens the service at a URL for the bearer of a token."""
OpenFile: TypeAlias = Callable[[Path], HistoryFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What the command line asks for."""

    file: Path
    query: Mapping[str, str]
    is_preview: bool
    rejected: Path | None
    url: str
    token: str


def main(arguments: Sequence[str], open_service: OpenService, open_file: OpenFile) -> int:
    """The file is imported, or it is said why not; the exit code: 0 done, 1 with rejected rows, 2 refused or failed."""
    command, screen = read_command(arguments, os.environ), Screen.of_process()
    try:
        return asyncio.run(run(command, open_service, open_file, screen, asyncio.sleep))
    except KeyboardInterrupt:
        screen.complain("Stopped. The same command goes on with the same import.")
        return STOPPED


async def run(command: Command, open_service: OpenService, open_file: OpenFile, screen: Screen, pause: Pause) -> int:
    """As `main`, on a loop that runs."""
    try:
        async with open_service(command.url, command.token) as service:
            file, courier = open_file(command.file), Courier(service, screen, pause)
            return await (_preview if command.is_preview else _import)(command, file, courier, screen)
    except ServiceRefuses as refusal:
        screen.complain("\n".join([str(refusal), *(f"  {place}: {flaw}" for place, flaw in refusal.flaws)]))
    except ServiceAway as away:
        screen.complain(f"Given up: {away}. The same command goes on with the same import.")
    except (HistoryError, OSError) as error:
        screen.complain(f"Failed: {error}")
    except ValidationError:
        screen.complain(f"Failed: {command.url} does not answer as order-ingest does.")
    return FAILED


async def _preview(command: Command, file: HistoryFile, courier: Courier, screen: Screen) -> int:
    with screen:
        told = PreviewOut.model_validate(await courier.preview(file, command.query))
    screen.show_preview(told)
    return REJECTED if told.refused else DONE


async def _import(command: Command, file: HistoryFile, courier: Courier, screen: Screen) -> int:
    with screen:
        seen = await courier.bring(file, command.query)
    screen.show_import(seen)
    if command.rejected is not None:
        with rejected_file(command.rejected) as write:
            async for row in courier.rejected(seen.import_id):
                write(row)
        screen.say(f"The rejected rows are in {command.rejected}.")
    elif seen.rejected:
        screen.say("Run it again with --rejected FILE.csv to see why rows were rejected.")
    return REJECTED if seen.rejected else DONE


def read_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """What was asked for. Raises: SystemExit: 2, it cannot be meant; stderr says why."""
    parser = _parser()
    parsed = parser.parse_args(arguments)
    try:
        return Command(
            file=_file(parsed.file),
            query=_query(parsed),
            is_preview=parsed.dry_run,
            rejected=_rejected(parsed),
            url=parsed.url,
            token=_token(environment.get(TOKEN, "")),
        )
    except (ValueError, OSError) as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m services.order_ingest {COMMAND}",
        description=f"Sends a file of history to order-ingest; {TOKEN} holds a token with imports:* and jobs:read.",
        epilog="Exit codes: 0 done, 1 rejected rows exist, 2 refused or failed. After a break, run it again.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="JSON Lines of our own, or with --preset an export; may be gzip")
    add("--store", type=UUID, required=True, metavar="STORE_ID")
    add("--preset", choices=get_args(PresetName), help="kind of export; `auto` finds it by the header")
    add("--encoding", help="found out from the file if left out")
    add("--time-zone", help="for times without offset; the store's if left out")
    add("--currency", help="where no column names it; the store's if left out")
    add("--date-order", choices=("day_first", "month_first"), help="where dates do not begin with the year")
    add("--decimal-comma", action="store_true", help="amounts are written 1.234,56")
    add("--tax-included", action=argparse.BooleanOptionalAction, help="prices hold the tax; else the figures tell")
    add("--mapping", type=Path, metavar="FILE.json", help="for woocommerce_mapped: canonical field to header")
    add("--dry-run", action="store_true", help="tells what would be created and keeps nothing")
    add("--url", type=_address, default=URL, help="where order-ingest is (%(default)s)")
    add("--rejected", type=Path, metavar="FILE.csv", help="gets the line and the reason of every rejected row")
    return parser


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http(s) address")
    return text


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty")
    return path


def _rejected(parsed: argparse.Namespace) -> Path | None:
    path: Path | None = parsed.rejected
    if path is None:
        return None
    if parsed.dry_run:
        raise ValueError("--rejected belongs to an import: a dry run shows the first refused rows")
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"--rejected {path}: no file can be made there")
    if path.exists() and path.samefile(parsed.file):
        raise ValueError("--rejected names the file that is to be imported")
    return path


def _query(parsed: argparse.Namespace) -> Mapping[str, str]:
    """The service's query parameters; what was not said is left out, so that the same words make the same import."""
    said = {
        "store_id": str(parsed.store),
        "preset": parsed.preset,
        "encoding": parsed.encoding,
        "time_zone": parsed.time_zone,
        "currency": parsed.currency,
        "date_order": parsed.date_order,
        "decimal_comma": "true" if parsed.decimal_comma else None,
        "tax_included": None if parsed.tax_included is None else str(parsed.tax_included).lower(),
        "mapping": None if parsed.mapping is None else _mapping(parsed.mapping),
    }
    return {name: value for name, value in said.items() if value is not None}


def _mapping(path: Path) -> str:
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ValueError(f"--mapping {path} is not JSON in UTF-8: {error}") from error
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _token(text: str) -> str:
    token = text.strip()
    if not token:
        raise ValueError(f"the environment variable {TOKEN} holds no token")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError(f"what {TOKEN} holds is no token")
    return token
