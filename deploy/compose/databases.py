"""A one-shot job of docker-compose.yml: every role and database exists, with the passwords of the environment."""

import asyncio
import os
import sys
from collections.abc import Mapping

from deploy.local.databases import provision, role_names

ADMIN_URL = "DATABASE_ADMIN_URL"


def password_variable(role: str) -> str:
    """The name under which a role's password stands in the environment."""
    return f"{role.upper()}_PASSWORD"


def main(environment: Mapping[str, str] = os.environ) -> int:
    """Returns the exit code."""
    needed = [ADMIN_URL, *(password_variable(role) for role in role_names())]
    if missing := [name for name in needed if not environment.get(name)]:
        print(f"not set: {', '.join(missing)}", file=sys.stderr)
        return 2
    asyncio.run(provision(environment[ADMIN_URL], passwords=lambda role: environment[password_variable(role)]))
    print("every role and database exists")
    return 0


if __name__ == "__main__":
    sys.exit(main())
