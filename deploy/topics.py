"""The topics of a bus: python -m deploy.topics create | verify [--bus URL]."""

import argparse
import asyncio
import os
import sys

from deploy.local.errors import LocalError
from deploy.local.topics import create_topics, topic_differences


def main(arguments: list[str]) -> int:
    """Exit code 0 if every topic is there (create) or as it should be (verify), 1 if not, 2 without a bus."""
    options = _parser().parse_args(arguments)
    if not options.bus:
        print("Name the bus with --bus or BUS_URL: kafka://host:port[,host:port...], or a postgresql:// owner's URL.")
        return 2
    try:
        return int(asyncio.run(options.run(options.bus)))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1


async def create(url: str) -> int:
    """What was missing is there."""
    made = await create_topics(url)
    print(f"made or enlarged: {', '.join(made)}" if made else "nothing was missing")
    return 0


async def verify(url: str) -> int:
    """Every difference was printed."""
    found = await topic_differences(url)
    print("\n".join(found) if found else "every topic is as deploy/topics.yaml says")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.topics", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for run, words in (
        (create, "make what is missing; takes nothing away and changes no setting of what is there"),
        (verify, "name each difference to deploy/topics.yaml; exit code 1 if there is one"),
    ):
        command = commands.add_parser(run.__name__, help=words)
        command.add_argument("--bus", default=os.environ.get("BUS_URL"), help="default: BUS_URL")
        command.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
