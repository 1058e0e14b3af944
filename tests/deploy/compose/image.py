"""An image laid out in a folder by doing what deploy/Dockerfile says: all but the downloads is done for real."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.folders import REPOSITORY
from deploy.lock import pins
from tests.deploy.compose.dockerfile import Instruction, Stage, Wrong
from tests.deploy.compose.ignored import Ignored

# What the environment of the official Python image holds of interest to us.
_PYTHON_IMAGE: Final = re.compile(r"python:3\.11\.\d+-slim-bookworm")
_PYTHON_ENVIRONMENT: Final = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "LANG": "C.UTF-8"}
_VARIABLE: Final = re.compile(r"\$\{([A-Z_]+)\}")
_SITE: Final = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"


@dataclass(slots=True)
class Image:
    """What a stage leaves behind. `root` is the container's `/`."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "root"
    entrypoint: tuple[str, ...] = ()
    healthcheck: tuple[str, ...] = ()

    def here(self, word: str) -> str:
        """A path of the container as a path of this machine; any other word as it is."""
        inside = word.startswith(("/opt/", "/app", "/build"))
        return str(self.root / word[1:]) if inside else word

    @property
    def working_folder(self) -> Path:
        return Path(self.here(self.folder))

    def command(self, words: Iterable[str]) -> list[str]:
        """The command as this machine can run it."""
        return [self.here(word) for word in words]


class Builder:
    """Builds stages of one Dockerfile below one folder, each once."""

    def __init__(self, stages: Mapping[str, Stage], folder: Path) -> None:
        self._stages = stages
        self._folder = folder
        self._ignored = Ignored((REPOSITORY / ".dockerignore").read_text())
        self._built: dict[tuple[str, str], Image] = {}

    def build(self, target: str, arguments: Mapping[str, str]) -> Image:
        """The image of a stage, with the stages that it stands on. Raises: Wrong."""
        key = (target, str(sorted(arguments.items())))
        if key not in self._built:
            stage = self._stages[target]
            image = self._start(stage, arguments, self._folder / "-".join((target, *arguments.values())))
            known = dict[str, str]()  # an ARG is known from its line on, to its stage only
            for each in stage.instructions:
                self._do(image, each, known, arguments)
            self._built[key] = image
        return self._built[key]

    def _start(self, stage: Stage, arguments: Mapping[str, str], root: Path) -> Image:
        if stage.base not in self._stages:
            if not _PYTHON_IMAGE.fullmatch(stage.base):
                raise Wrong(f"not a Python image pinned to a release: {stage.base}")
            root.mkdir(parents=True)
            return Image(root, dict(_PYTHON_ENVIRONMENT))
        base = self.build(stage.base, {})
        shutil.copytree(base.root, root, symlinks=True)
        return Image(root, dict(base.environment), base.folder, base.user, base.entrypoint, base.healthcheck)

    def _do(self, image: Image, each: Instruction, known: dict[str, str], arguments: Mapping[str, str]) -> None:
        words = tuple(_expanded(word, {**image.environment, **known}) for word in each.words)
        match each.word:
            case "ARG":
                known.update({name: arguments.get(name, "") for name in words})
            case "ENV":
                image.environment.update(dict(word.split("=", 1) for word in words))
            case "WORKDIR":
                if image.here(words[0]) == words[0]:
                    raise Wrong(f"WORKDIR {words[0]}: a folder of this machine, not of the image")
                image.folder = words[0]
                image.working_folder.mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(image, each, words)
            case "RUN":
                _run(image, each, known)
            case "USER":
                image.user = words[0]
            case "ENTRYPOINT":
                image.entrypoint = words
            case "HEALTHCHECK":
                image.healthcheck = words

    def _copy(self, image: Image, each: Instruction, words: tuple[str, ...]) -> None:
        source, target = words
        destination = image.working_folder / target if not target.startswith("/") else Path(image.here(target))
        if stage := each.flags.get("from"):
            shutil.copytree(self.build(stage, {}).here(source), destination, symlinks=True, dirs_exist_ok=True)
            return
        if self._ignored(source) or not (REPOSITORY / source).exists():
            raise Wrong(f"COPY {source}: not in the context")
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / source).is_file():
            shutil.copy(REPOSITORY / source, destination)
        else:
            shutil.copytree(REPOSITORY / source, destination, ignore=self._ignore, dirs_exist_ok=True)

    def _ignore(self, folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(REPOSITORY)
        return {name for name in names if self._ignored(str(inside / name))}


def _run(image: Image, each: Instruction, known: Mapping[str, str]) -> None:
    words = [image.here(word) for word in each.words]
    environment = {**image.environment, **known}
    match words:
        case ["python", *rest] if each.is_exec:
            _call([_outside_python(), *rest], image, environment)
        case ["pip", "--python", python, "install", *options, "--requirement", lock] if each.is_exec:
            if set(options) != {"--no-cache-dir", "--require-hashes", "--only-binary=:all:"}:
                raise Wrong(f"pip install {options}")
            _install(Path(python), (image.working_folder / lock).read_text())
        case [path, *_] if each.is_exec and Path(path).is_relative_to(image.root):
            _call(words, image, environment)
        case [text] if not each.is_exec and re.fullmatch(r'test -n "\$\{[A-Z]+\}"', text):
            _call(["/bin/sh", "-c", text], image, environment)
        case _:
            raise Wrong(f"RUN {each.words}: a form that nobody tried")


def _call(command: list[str], image: Image, environment: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=image.working_folder, env=dict(environment), capture_output=True, check=False)
    if done.returncode:
        raise Wrong(f"{command} ended with {done.returncode}: {(done.stderr + done.stdout).decode()[-800:]}")


def _outside_python() -> str:
    """The interpreter that our own environment was made with: the one place that has no package of ours."""
    return os.path.realpath(sys.executable)


def _install(python: Path, lock: str) -> None:
    """Exactly the lock's packages can be imported: linked from our own environment instead of downloaded."""
    site = python.parents[1] / _SITE
    for name, version in pins(lock):
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if not re.search(rf"^{re.escape(name)}=={re.escape(version)} ;", lock, re.MULTILINE):
                raise Wrong(f"{name} is pinned for every machine, and is not here") from None
            continue
        if found.version != version:
            raise Wrong(f"{name} {found.version} is not the {version} of the lock")
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(found.locate_file(top))))


def _expanded(word: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known[found[1]], word)
