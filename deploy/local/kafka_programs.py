"""What runs a broker: a Java of this machine, and Kafka's jars, which Maven fetches once."""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.accounts import launch_command
from deploy.local.errors import Refused, StartFailed
from deploy.local.folders import REPOSITORY, default_folders

VERSION = "4.1.0"
OLDEST_JAVA = 17
HOW_TO_GET = "on Debian or Ubuntu: apt-get install default-jdk-headless maven"
_POM = REPOSITORY / "deploy" / "kafka" / "pom.xml"
_LOGGING = _POM.with_name("log4j2.properties")
_LONGEST_FETCH_SECONDS = 600
_NEWS_SECONDS = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """A Java and the folder of Kafka's jars."""

    java: Path
    jars: Path

    def command(self, main: str, *arguments: str, heap_mb: int) -> tuple[str, ...]:
        """The command that runs one of Kafka's programs."""
        options = (f"-Xmx{heap_mb}m", "-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true")
        logging = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"
        return (str(self.java), *options, logging, "-cp", f"{self.jars}/*", main, *arguments)


def programs_folder() -> Path:
    """Where the jars of this repository's brokers lie, whatever folder a broker has for its data."""
    return default_folders().visible / "kafka"


def find_programs(
    folder: Path, *, say: Say = lambda _text: None, environment: Mapping[str, str] = os.environ
) -> Programs:
    """Java and the jars, which are fetched now if they are not in the folder yet.

    Raises:
        Refused: this machine has no Java of 17 or newer, or no Maven to fetch the jars with.
        StartFailed: they could not be fetched; what Maven wrote is in the message.
    """
    if missing := what_is_missing(folder, environment):
        raise Refused(missing)
    java = _java(environment)
    assert java is not None
    return Programs(java=java, jars=_fetched(folder, say, environment))


def what_is_missing(folder: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """One line that names what a broker needs and this machine has not, and how to get it; None if nothing is."""
    lacks = []
    if _java(environment) is None:
        lacks.append(f"a Java >= {OLDEST_JAVA}")
    if not _jars(folder).exists() and _maven(environment) is None:
        lacks.append("Maven (mvn)")
    if not lacks:
        return None
    return f"Apache Kafka needs {' and '.join(lacks)}, found neither on PATH nor in JAVA_HOME ({HOW_TO_GET})"


def _jars(folder: Path) -> Path:
    """Another pom is another folder: its jars are never mixed with those of an older one."""
    return folder / f"{VERSION}-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:8]}"


def _java(environment: Mapping[str, str]) -> Path | None:
    homes = [str(Path(environment["JAVA_HOME"]) / "bin")] if environment.get("JAVA_HOME") else []
    for path in (*homes, environment.get("PATH", "")):
        found = shutil.which("java", path=path)
        if found and _java_major(found) >= OLDEST_JAVA:
            return Path(found).resolve()
    return None


def _java_major(java: str) -> int:
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said)  # 8 and older call themselves 1.8
    return int(found[1]) if found else 0


def _maven(environment: Mapping[str, str]) -> str | None:
    return shutil.which("mvn", path=environment.get("PATH", ""))


def _fetched(folder: Path, say: Say, environment: Mapping[str, str]) -> Path:
    """The whole folder of jars. Two that start at once fetch one after the other, and the second finds it done."""
    jars = _jars(folder)
    if jars.exists():
        return jars
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.exists():
            unfinished = jars.with_suffix(".part")
            shutil.rmtree(unfinished, ignore_errors=True)  # a killed fetch left it
            _fetch(unfinished, folder / "fetch.log", say, environment)
            unfinished.rename(jars)  # whole from this instant on
    return jars


def _fetch(target: Path, log: Path, say: Say, environment: Mapping[str, str]) -> None:
    maven = _maven(environment)
    assert maven is not None
    say(f"Apache Kafka {VERSION}: fetching it with Maven, once (46 files, 43 MB)")
    command = [maven, "--batch-mode", "--strict-checksums", "-f", str(_POM), "dependency:copy-dependencies"]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            launch_command([*command, f"-DoutputDirectory={target}"], death_signal=signal.SIGTERM, account=None),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_with_home(environment),
        )
        code = _ended(process, log, say)
    if code or not list(target.glob(f"kafka_*-{VERSION}.jar")):
        last = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise StartFailed(
            f"Maven could not fetch Apache Kafka {VERSION} (exit code {code}). Its log, {log}, ends:\n{last}"
        )


def _with_home(environment: Mapping[str, str]) -> dict[str, str]:
    """Java takes the home folder from the account, where it may be missing, instead of from HOME, as all others do."""
    home = environment.get("HOME")
    options = [environment.get("MAVEN_OPTS", ""), f"-Duser.home={home}" if home and home.split() == [home] else ""]
    return {**environment, "MAVEN_OPTS": " ".join(option for option in options if option)}


def _ended(process: "subprocess.Popen[bytes]", log: Path, say: Say) -> int:
    try:
        for _ in range(_LONGEST_FETCH_SECONDS // _NEWS_SECONDS):
            try:
                return process.wait(_NEWS_SECONDS)
            except subprocess.TimeoutExpired:
                done = log.read_bytes().count(b"Downloaded from")
                say(f"Apache Kafka {VERSION}: {done} files from the network so far")
        return -signal.SIGTERM
    finally:
        process.terminate()
        process.wait()
