"""A broker alone: python -m deploy.kafka up [--detach] | down | status. Its data is kept from one start to the next."""

import argparse
import asyncio
import os
import sys

from deploy.local import control
from deploy.local.errors import LocalError
from deploy.local.folders import Folders, default_folders, refuse_full_disk
from deploy.local.interruption import cancel_once_on_signals
from deploy.local.kafka import OwnBroker
from deploy.local.ports import ports_from, refuse_taken
from deploy.local.run_state import Running, State, write_state
from deploy.local.supervisor import Supervisor


def main(arguments: list[str]) -> int:
    """Does what the command says; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options, _broker_folders(default_folders())))
    except LocalError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def up(options: argparse.Namespace, folders: Folders) -> int:
    """The broker ran until it was told to stop, or runs on by itself with --detach."""
    if options.detach:
        state = control.start_detached(folders, [], module="deploy.kafka", log_name="kafka-up.log", seconds=900.0)
        _announce(state.places["kafka"])
        return 0
    return asyncio.run(_run_until_stopped(folders))


def down(_options: argparse.Namespace, folders: Folders) -> int:
    """The broker does not run; its data stays."""
    print(control.stop(folders))
    return 0


def status(_options: argparse.Namespace, folders: Folders) -> int:
    """Exit code 0 if the broker serves, 3 if not."""
    state = control.running(folders)
    if state is None or not state.ready:
        print("It is not running.")
        return 3
    _announce(state.places["kafka"])
    return 0


async def _run_until_stopped(folders: Folders) -> int:
    cancel_once_on_signals()
    folders.create()
    refuse_full_disk(folders)
    ports = ports_from()
    broker = OwnBroker(folders.data, ports, say=print)
    broker.claim()
    supervisor = Supervisor(folders.logs, say=print, on_change=lambda: None)
    try:
        refuse_taken(ports.named_of_kafka())
        await broker.start(supervisor)
        _publish(folders, supervisor, broker.url)
        _announce(broker.url)
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("stopped; its data stays")
    finally:
        await supervisor.stop()
        (folders.run / "state.json").unlink(missing_ok=True)
        broker.release()
    return 0


def _publish(folders: Folders, supervisor: Supervisor, url: str) -> None:
    processes = {name: found for name, pid in supervisor.pids().items() if (found := Running.of(pid))}
    ours = Running.of(os.getpid()) or Running(os.getpid(), 0)
    write_state(folders.run, State(supervisor=ours, ready=True, places={"kafka": url}, processes=processes))


def _announce(url: str) -> None:
    print(f"Kafka serves at {url}\nTo use it: BUS_URL={url} make up   (or make demo)")


def _broker_folders(folders: Folders) -> Folders:
    """The broker's own data and run state, and the logs that all share."""
    return Folders(data=folders.broker, visible=folders.visible)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    starting = commands.add_parser("up", help="start it and stay until Ctrl-C")
    starting.add_argument("--detach", action="store_true", help="return when it serves; it runs on")
    starting.add_argument("--quiet", action="store_true", help=argparse.SUPPRESS)
    starting.set_defaults(run=up)
    commands.add_parser("down", help="stop it; its data stays").set_defaults(run=down)
    commands.add_parser("status", help="print its address").set_defaults(run=status)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
