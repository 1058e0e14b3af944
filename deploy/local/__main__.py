"""The one-machine stack: python -m deploy.local up | down | status | reset | migrate | token | logs."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from rich.console import Console

from deploy.local import control
from deploy.local.bus import bus_from
from deploy.local.console import Screen, status_table
from deploy.local.databases import SERVICES
from deploy.local.errors import LocalError, Refused
from deploy.local.folders import Folders, default_folders
from deploy.local.interruption import cancel_once_on_signals
from deploy.local.keys import load_keys
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token
from deploy.local.ports import ports_from
from deploy.local.stack import Stack


def main(arguments: list[str]) -> int:
    """Does what the command says; returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console()
    try:
        return int(options.run(options, default_folders(), console) or 0)
    except LocalError as error:
        console.print(f"[bold red]{type(error).__name__}:[/] ", end="")
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130


def up(options: argparse.Namespace, folders: Folders, console: Console) -> int:
    """The stack ran until it was told to stop, or runs on by itself with --detach."""
    if options.detach:
        chosen = [] if options.services is None else ["--services", *options.services]
        state = control.start_detached(folders, chosen)
        Screen(console).addresses(state.apis, local_token(load_keys(folders.secrets)))
        return 0
    return asyncio.run(run_until_stopped(_stack(options, folders, Screen(console)), Screen(console)))


async def run_until_stopped(stack: Stack, screen: Screen) -> int:
    """The stack ran until SIGINT or SIGTERM."""
    cancel_once_on_signals()
    try:
        async with stack:
            screen.addresses(stack.urls, stack.token())
            screen.say("Ctrl-C stops everything.")
            await asyncio.Event().wait()
    except asyncio.CancelledError:
        screen.say("stopped; nothing is left running")
    return 0


def _stack(options: argparse.Namespace, folders: Folders, screen: Screen) -> Stack:
    """The stack as the environment describes it."""
    bus = bus_from(folders)
    return Stack(
        folders,
        ports=ports_from(),
        services=SERVICES if options.services is None else options.services,
        database_url=os.environ.get("DATABASE_URL") or None,
        bus=bus.kind,
        bus_url=bus.url,
        say=screen.say,
        on_line=None if options.quiet else screen.line,
    )


def down(_options: argparse.Namespace, folders: Folders, console: Console) -> None:
    """No process of the stack is left."""
    console.print(control.stop(folders))


def status(_options: argparse.Namespace, folders: Folders, console: Console) -> int:
    """Exit code 0 if the stack is ready, 3 if it is not."""
    state = control.running(folders)
    if state is None:
        console.print("It is not running.")
        return 3
    console.print(status_table(state))
    for name, place in {**state.apis, **state.places}.items():
        console.print(f"{name:<16} {place}", soft_wrap=True)
    return 0 if state.ready else 3


def reset(options: argparse.Namespace, folders: Folders, console: Console) -> int:
    """The data is gone, if the person agreed."""
    external = os.environ.get("DATABASE_URL")
    what = f"all data in {folders.data}" + (" and the databases on the server of DATABASE_URL" if external else "")
    if not options.yes and console.input(f"Delete {what}? Type yes: ").strip() != "yes":
        console.print("Nothing was deleted.")
        return 1
    control.stop(folders)
    for folder in control.delete_data(folders):
        console.print(f"deleted {folder}", soft_wrap=True)
    if external:
        asyncio.run(control.drop_databases(external))
    return 0


def token(options: argparse.Namespace, folders: Folders, _console: Console) -> None:
    """A bearer token was printed, alone on its line."""
    if not (folders.secrets / "token-signing-key.pem").exists():
        raise Refused("There are no keys yet: start the stack once with `make up`.")
    scopes = options.scopes or (MERCHANT_SCOPES if options.merchant else ADMIN_SCOPES)
    lifetime = timedelta(hours=options.hours)
    print(local_token(load_keys(folders.secrets), merchant=options.merchant, scopes=scopes, lifetime=lifetime))


def migrate(options: argparse.Namespace, folders: Folders, console: Console) -> None:
    """Every database stands at its newest schema."""
    if control.running(folders) is None:
        raise Refused("The stack is not running: start it with `make up`, which migrates too.")
    asyncio.run(_stack(options, folders, Screen(console)).migrate_running())


def logs(options: argparse.Namespace, folders: Folders, console: Console) -> None:
    """The last lines of the logs, all or those of the named processes."""
    known = {file.stem: file for file in sorted(folders.logs.glob("*.log")) if not file.stem.endswith(".1")}
    strangers = sorted(set(options.names) - set(known))
    if strangers:
        raise Refused(f"No log of {', '.join(strangers)}; there are {', '.join(known) or 'none'}.")
    chosen = {name: file for name, file in known.items() if not options.names or name in options.names}
    control.follow_logs(chosen, Screen(console).line, last=options.last, follow=options.follow)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    starting = _command(commands, up, "start everything and follow the logs until Ctrl-C")
    starting.add_argument("--detach", action="store_true", help="return when it is ready; it runs on")
    starting.add_argument("--quiet", action="store_true", help="do not show the logs (they are in .local/logs)")
    starting.add_argument("--services", nargs="*", choices=SERVICES, help="only these; without a name: PostgreSQL only")
    _command(commands, down, "stop everything")
    _command(commands, status, "show the processes and addresses")
    _command(commands, reset, "stop everything and delete the data").add_argument("--yes", action="store_true")
    migrating = _command(commands, migrate, "bring the databases of the running stack to the newest schema")
    migrating.set_defaults(services=None, quiet=True)
    minting = _command(commands, token, "print a bearer token for all services")
    minting.add_argument("--merchant", type=UUID, help="of this merchant; without: of the platform")
    minting.add_argument("--scopes", nargs="+", help="default: everything that a merchant (or the platform) may do")
    minting.add_argument("--hours", type=float, default=24.0, help="lifetime")
    reading = _command(commands, logs, "show the logs")
    reading.add_argument("names", nargs="*", help="processes, such as loyalty-worker; default: all")
    reading.add_argument("--follow", "-f", action="store_true")
    reading.add_argument("--last", type=int, default=40, help="lines of each")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", run: Callable[..., int | None], words: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(run.__name__, help=words)
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
