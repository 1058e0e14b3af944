"""What the tests of docker-compose.yml read: the file, the Dockerfile, and an installation's `.env`."""

from pathlib import Path
from typing import Any, Final

from deploy.compose.env_file import make_secrets, settings_in
from deploy.local.folders import REPOSITORY
from tests.deploy.compose import compose_file, dockerfile
from tests.deploy.compose.compose_file import Service
from tests.deploy.compose.dockerfile import Stage

COMPOSE: Final = REPOSITORY / "docker-compose.yml"


def document() -> dict[str, Any]:
    """docker-compose.yml as it stands."""
    return compose_file.read(COMPOSE)


def stages() -> dict[str, Stage]:
    """deploy/Dockerfile as it stands."""
    return dockerfile.parse((REPOSITORY / "deploy" / "Dockerfile").read_text())


def installed(folder: Path) -> dict[str, str]:
    """The settings of an installation whose secrets were just made in `folder`."""
    make_secrets(folder)
    return settings_in((folder / ".env").read_text())


def services(folder: Path) -> dict[str, Service]:
    """All services of an installation in `folder`."""
    return compose_file.services(document(), installed(folder))
