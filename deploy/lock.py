"""The lock files: deploy/requirements/*.in resolved to hashed *.txt, and proof that the two are in step.

`write` needs a package index; `check` needs nothing: each lock carries the hash of the input files it was made from.
"""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path("deploy/requirements")
NAMES = ("dev", "local", "tools", "runtime")  # dev first: it holds everything, the others take their versions from it
_STAMP = "# inputs sha256:"
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Returns 0 when the locks were written, or are in step with their inputs."""
    match arguments:
        case ["write"]:
            for name in NAMES:
                write(name)
            return 0
        case ["check"]:
            complaints = [complaint for name in NAMES for complaint in complaints_about(FOLDER, name)]
            print("\n".join(complaints) or f"{len(NAMES)} lock files are in step with their inputs")
            return 1 if complaints else 0
    print("usage: python -m deploy.lock write | check", file=sys.stderr)
    return 2


def write(name: str) -> None:
    """`<name>.txt` holds every package of `<name>.in` with its hashes, for every Python from 3.11 on."""
    target = FOLDER / f"{name}.txt"
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", str(FOLDER / f"{name}.in"), "--quiet"]
    command += ["--output-file", str(target), "--universal", "--python-version", "3.11", "--generate-hashes"]
    # Annotations would name the constraint file, which differs from lock to lock, and an index address is a place,
    # not a version: neither belongs into a file that is compared.
    command += ["--no-annotate", "--no-emit-index-url", "--no-header"]
    if name != NAMES[0]:
        command += ["--constraints", str(FOLDER / f"{NAMES[0]}.txt")]
    subprocess.run(command, check=True)  # noqa: S603 - fixed arguments
    stamp = f"# Written by `make lock`; edit the .in files.\n{_STAMP}{inputs_hash(FOLDER, name)}\n"
    target.write_text(stamp + target.read_text())


def inputs_hash(folder: Path, name: str) -> str:
    """SHA-256 over `<name>.in` and every file that it includes with `-r`."""
    digest = hashlib.sha256()
    for path in _inputs(folder, name):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def complaints_about(folder: Path, name: str) -> list[str]:
    """Says what is wrong with one lock: made from other inputs, or other versions than dev's."""
    text = (folder / f"{name}.txt").read_text()
    complaints = []
    if _STAMP + inputs_hash(folder, name) not in text:
        complaints.append(f"{name}.txt was made from other inputs: run `make lock`")
    everything = pins((folder / f"{NAMES[0]}.txt").read_text())
    strays = sorted(pins(text) - everything)
    if strays:
        complaints.append(f"{name}.txt pins what {NAMES[0]}.txt does not: {strays}")
    return complaints


def pins(text: str) -> set[tuple[str, str]]:
    """The (package, version) pairs of a lock."""
    return set(_PIN.findall(text))


def _inputs(folder: Path, name: str) -> list[Path]:
    path = folder / f"{name}.in"
    included = re.findall(r"^-r (\w+)\.in$", path.read_text(), re.MULTILINE)
    return [path, *(found for other in included for found in _inputs(folder, other))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
