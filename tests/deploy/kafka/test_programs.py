"""What a broker runs on: found or named with its remedy, and fetched whole or not at all."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.local.errors import Refused, StartFailed
from deploy.local.folders import REPOSITORY
from deploy.local.kafka_programs import VERSION, find_programs, what_is_missing
from tests.brokers import need_kafka


def program(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def machine(folder: Path, *, java: str, maven: str) -> Mapping[str, str]:
    """An environment whose only Java and Maven are these scripts, which find the system's own tools."""
    program(folder / "bin" / "java", f"echo 'openjdk version \"{java}\"' >&2")
    program(folder / "bin" / "mvn", f"PATH=/usr/bin:/bin; {maven}")
    return {"PATH": str(folder / "bin")}


# Stands in for Maven: the last argument is -DoutputDirectory=<folder>. It leaves a file there before it is done.
_TARGET = 'for each; do folder="${each#-DoutputDirectory=}"; done; mkdir -p "$folder"'
_WHOLE = f'{_TARGET}; touch "$folder/kafka_2.13-{VERSION}.jar"'


def test_a_machine_without_java_and_maven_is_told_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from deploy.local.kafka_programs import find_programs\n"
        "find_programs(Path(sys.argv[1]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=REPOSITORY,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.splitlines()[-1] == (
        "deploy.local.errors.Refused: Apache Kafka needs a Java >= 17 and Maven (mvn), found neither on PATH nor in "
        "JAVA_HOME (on Debian or Ubuntu: apt-get install default-jdk-headless maven)"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("java", "usable"), [("1.8.0_392", False), ("16.0.2", False), ("17.0.1", True), ("25", True)])
def test_an_old_java_does_not_count(tmp_path: Path, java: str, usable: bool) -> None:
    missing = what_is_missing(tmp_path / "kafka", machine(tmp_path, java=java, maven="exit 1"))

    assert (missing is None) is usable


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    environment = machine(tmp_path, java="11.0.1", maven=_WHOLE)
    program(tmp_path / "home" / "bin" / "java", "echo 'openjdk version \"21\"' >&2")

    found = find_programs(tmp_path / "kafka", environment={**environment, "JAVA_HOME": str(tmp_path / "home")})

    assert found.java == tmp_path / "home" / "bin" / "java"


def test_a_fetch_that_was_killed_half_way_is_begun_again(tmp_path: Path) -> None:
    died = machine(tmp_path, java="17", maven=f'{_TARGET}; touch "$folder/half.jar"; kill -9 $$')
    with pytest.raises(StartFailed, match="could not fetch"):
        find_programs(tmp_path / "kafka", environment=died)
    [half] = tmp_path.glob("kafka/*/half.jar")
    assert half.parent.suffix == ".part"

    whole = find_programs(tmp_path / "kafka", environment=machine(tmp_path, java="17", maven=_WHOLE))

    assert [jar.name for jar in whole.jars.iterdir()] == [f"kafka_2.13-{VERSION}.jar"]
    assert not half.parent.exists()


def test_what_maven_said_is_passed_on(tmp_path: Path) -> None:
    environment = machine(tmp_path, java="17", maven="echo '[ERROR] Could not transfer artifact'; exit 1")

    with pytest.raises(StartFailed, match=r"exit code 1(.|\n)*Could not transfer artifact"):
        find_programs(tmp_path / "kafka", environment=environment)


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"HOME": "/home/of/us"}, "-Duser.home=/home/of/us"),
        ({"HOME": "/home/of/us", "MAVEN_OPTS": "-Xmx1g"}, "-Xmx1g -Duser.home=/home/of/us"),
        ({"HOME": "/home of us"}, ""),
        ({}, ""),
    ],
)
def test_maven_keeps_its_files_in_home_whatever_the_account_says(
    tmp_path: Path, settings: Mapping[str, str], options: str
) -> None:
    told = tmp_path / "told"
    environment = machine(tmp_path, java="17", maven=f'echo "$MAVEN_OPTS" > {told}; {_WHOLE}')

    find_programs(tmp_path / "kafka", environment={**environment, **settings})

    assert told.read_text() == f"{options}\n"


def test_what_was_fetched_once_needs_no_maven(tmp_path: Path) -> None:
    environment = machine(tmp_path, java="17", maven=_WHOLE)
    first = find_programs(tmp_path / "kafka", environment=environment)
    (tmp_path / "bin" / "mvn").unlink()

    assert find_programs(tmp_path / "kafka", environment=environment) == first

    shutil.rmtree(first.jars)
    with pytest.raises(Refused, match=r"needs Maven \(mvn\), found"):
        find_programs(tmp_path / "kafka", environment=environment)


def test_the_tests_fail_instead_of_being_skipped_where_kafka_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JAVA_HOME", "KAFKA_REQUIRED"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("HUITOU_DATA", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match=r"not run: Apache Kafka needs a Java .* apt-get install"):
        need_kafka()

    monkeypatch.setenv("KAFKA_REQUIRED", "1")

    with pytest.raises(pytest.fail.Exception, match=r"KAFKA_REQUIRED=1, but Apache Kafka needs"):
        need_kafka()
