"""An installation in containers: python -m deploy.compose secrets | token."""

import argparse
import sys
from pathlib import Path
from uuid import UUID

from deploy.compose.env_file import keys_folder, made_keys, make_secrets
from deploy.local.errors import LocalError
from deploy.local.folders import REPOSITORY
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token


def main(arguments: list[str]) -> int:
    """Does what the command says; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        print(_secrets(options.folder) if options.command == "secrets" else _token(options.folder, options.merchant))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _secrets(installation: Path) -> str:
    added = make_secrets(installation)
    return (
        f"{len(added)} settings added to {installation / '.env'}, keys in {keys_folder(installation)}: keep a copy.\n"
        "start it:         docker compose up --build\n"
        "an admin's token: .venv/bin/python -m deploy.compose token"
    )


def _token(installation: Path, merchant: UUID | None) -> str:
    return local_token(made_keys(installation), merchant=merchant, scopes=MERCHANT_SCOPES if merchant else ADMIN_SCOPES)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.compose", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY, help="where docker-compose.yml lies")
    commands = parser.add_subparsers(required=True, dest="command", metavar="command")
    commands.add_parser("secrets", help="write .env with fresh keys and passwords; what stands there is kept")
    minting = commands.add_parser("token", help="print a bearer token for all four services, valid for 24 hours")
    minting.add_argument("--merchant", type=UUID, help="of this merchant; without: of the platform")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
