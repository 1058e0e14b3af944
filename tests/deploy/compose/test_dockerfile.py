"""deploy/Dockerfile: every path and command of it is there, and an image holds what it says and nothing else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.databases import SERVICES
from deploy.local.folders import REPOSITORY
from tests.deploy.compose import dockerfile, installation
from tests.deploy.compose.dockerfile import Wrong
from tests.deploy.compose.ignored import Ignored
from tests.deploy.compose.image import Builder, Image


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(installation.stages(), tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def loyalty(builder: Builder) -> Image:
    return builder.build("service", {"SERVICE": "loyalty"})


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_the_libraries_and_one_service(builder: Builder, service: str) -> None:
    image = builder.build("service", {"SERVICE": service})

    app = image.working_folder
    assert {path.name for path in app.iterdir()} == {"libs", "services"}
    assert {path.name for path in (app / "services").iterdir()} - {"__pycache__"} == {"__init__.py", service}
    assert _sources(app / "libs") == _sources(REPOSITORY / "libs")
    assert _sources(app / "services" / service) == _sources(REPOSITORY / "services" / service)


@pytest.mark.parametrize("module", ["services.messaging", "deploy", "tests", "pytest", "yaml", "pip"])
def test_what_is_not_the_services_cannot_be_imported(loyalty: Image, module: str) -> None:
    assert "No module named" in _python(loyalty, f"import {module}")


@pytest.mark.parametrize("module", ["services.loyalty.bootstrap", "libs.eventbus.transports", "aiokafka", "asyncpg"])
def test_what_is_the_services_can_be_imported(loyalty: Image, module: str) -> None:
    assert _python(loyalty, f"import {module}") == ""


def test_everything_is_compiled_before_the_file_system_is_read_only(loyalty: Image) -> None:
    compiled = {path.name.split(".")[0] for path in loyalty.working_folder.rglob("*.pyc")}

    assert compiled == {path.stem for path in loyalty.working_folder.rglob("*.py")}


def test_both_images_run_as_a_number_that_is_nobody_and_start_without_a_shell(builder: Builder, loyalty: Image) -> None:
    for image in (loyalty, builder.build("tools", {})):
        user, _, group = image.user.partition(":")
        assert int(user) >= 10_000
        assert int(group) >= 10_000
        assert all(Path(path).exists() for path in image.command(image.entrypoint) if path.startswith("/"))
        assert image.entrypoint[0] == "/opt/venv/bin/python"
    assert all(Path(path).exists() for path in loyalty.command(loyalty.healthcheck) if path.startswith("/"))


def test_an_image_without_a_service_is_not_built(builder: Builder) -> None:
    with pytest.raises(Wrong, match="test -n"):
        builder.build("service", {})


def test_every_stage_stands_on_a_pinned_image_or_an_earlier_stage() -> None:
    seen: list[str] = []
    for stage in installation.stages().values():
        assert stage.base in seen or ":" in stage.base
        assert {each.flags["from"] for each in stage.all("COPY") if "from" in each.flags} <= set(seen)
        seen.append(stage.name)


def test_nothing_private_is_sent_to_the_builder() -> None:
    ignored = Ignored((REPOSITORY / ".dockerignore").read_text())

    private = (".env", ".local/compose/match-key", ".git/config", ".venv/bin/python", "tests/conftest.py")
    assert all(ignored(path) for path in (*private, "README.md", "libs/__pycache__/x.pyc", "deploy/local/keys.pyc"))
    assert not any(ignored(path) for path in ("libs/kernel/money.py", "deploy", "services/loyalty/__main__.py"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("RUN true", "before the first FROM"),
        ("FROM a:1", "a stage has a name"),
        ("FROM a:1 AS one\nFROM a:1 AS one", "two stages"),
        ("FROM a:1 AS one\nADD x y", "not known"),
        ("FROM a:1 AS one\nCOPY --link x y", "--link"),
        ("FROM a:1 AS one\nCOPY --chown=1 x y", "chown"),
        ("FROM a:1 AS one\nENTRYPOINT python -m x", "shell form"),
        ("FROM a:1 AS one\nHEALTHCHECK CMD curl localhost", "shell form"),
        ("FROM a:1 AS one\nHEALTHCHECK NONE", "NONE"),
        ("FROM a:1 AS one\nRUN a \\", "in the middle"),
    ],
)
def test_the_parser_refuses_what_it_does_not_know(text: str, complaint: str) -> None:
    with pytest.raises(Wrong, match=complaint):
        dockerfile.parse(text)


def _sources(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def _python(image: Image, statement: str) -> str:
    """What Python says on stderr, in the image's environment and folder."""
    done = subprocess.run(
        [image.here("/opt/venv/bin/python"), "-c", statement],
        cwd=image.working_folder,
        env=image.environment,
        capture_output=True,
        check=False,
        text=True,
    )
    return done.stderr
