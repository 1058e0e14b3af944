"""Where the stack keeps things: private data in one folder, what people look at in `.local/`."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import Refused

REPOSITORY = Path(__file__).resolve().parents[2]
NEEDED_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Folders:
    """All folders of one stack. Two stacks with different folders do not meet."""

    data: Path
    visible: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def broker(self) -> Path:
        return self.data / "broker"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def logs(self) -> Path:
        return self.visible / "logs"

    @property
    def mail(self) -> Path:
        return self.visible / "mail"

    def create(self) -> None:
        """Every folder exists; secrets and run state are closed to other users."""
        for folder in (self.data, self.visible, self.logs, self.mail):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.secrets, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)


def default_folders(environment: Mapping[str, str] = os.environ, *, uid: int | None = None) -> Folders:
    """HUITOU_DATA for everything, if set; else `.local/` of the repository, and for root's data a place outside homes.

    PostgreSQL refuses to run as root, and the account that runs it instead may not enter root's home, where
    the repository often lies.
    """
    visible = REPOSITORY / ".local"
    if chosen := environment.get("HUITOU_DATA"):
        return Folders(data=Path(chosen).absolute(), visible=Path(chosen).absolute())
    if (os.getuid() if uid is None else uid) != 0:
        return Folders(data=visible, visible=visible)
    name = hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:12]
    return Folders(data=Path("/var/lib/huitou") / name, visible=visible)


def refuse_full_disk(folders: Folders, *, needed: int = NEEDED_BYTES) -> None:
    """There is room for the data and the logs.

    Raises:
        Refused: less than `needed` bytes are free in one of the folders.
    """
    for folder in (folders.data, folders.visible):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise Refused(
                f"Only {free // 2**20} MB are free where {folder} lies, {needed // 2**20} MB are needed. "
                "Nothing was changed. Free some space, or choose another place with HUITOU_DATA."
            )
