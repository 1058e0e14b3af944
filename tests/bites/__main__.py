"""`python -m tests.bites [WORD]`: each named mutation, in a copy of the tree, must turn its test red."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import copytree, ignore_patterns

from deploy.local.postgres import start_server
from tests.bites.mutations import MUTATIONS, Mutation
from tests.sim import mutations as simulated

ROOT = Path(__file__).parents[2]
_PARTS = ("libs", "services", "deploy", "tests")
_FAILED = 1
"""pytest's exit code for tests that ran and failed; anything else is an accident, not a bite."""


def main(arguments: list[str]) -> int:
    """Exit status 0 if every mutation was noticed and nothing fails unbroken."""
    wanted = arguments[0] if arguments else ""
    server = start_server()
    try:
        wrong = [
            mutation.name
            for mutation in MUTATIONS
            if wanted in mutation.name and not _bites(mutation, server.admin_url)
        ]
    finally:
        server.stop()
    print(f"{len(MUTATIONS)} mutations of the code; {len(wrong)} unnoticed {wrong or ''}", flush=True)
    return 1 if wrong else simulated.main()


def _bites(mutation: Mutation, admin_url: str) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for part in _PARTS:
            copytree(ROOT / part, tree / part, ignore=ignore_patterns("__pycache__"))
        (tree / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
        before = _run(tree, mutation.test, admin_url)
        _break(tree, mutation)
        after = _run(tree, mutation.test, admin_url)
    noticed = before.returncode == 0 and after.returncode == _FAILED
    verdict = "noticed" if noticed else f"WRONG: unbroken {before.returncode}, broken {after.returncode}"
    print(f"{mutation.name:60} {verdict} ({time.monotonic() - began:.0f} s)", flush=True)
    if not noticed:
        print((before if before.returncode else after).stdout[-3000:])
    return noticed


def _break(tree: Path, mutation: Mutation) -> None:
    for edit in mutation.edits:
        file = tree / edit.file
        text = file.read_text()
        if text.count(edit.old) != 1:
            raise ValueError(f"{mutation.name}: the text to break is not in {edit.file} exactly once")
        file.write_text(text.replace(edit.old, edit.new))


def _run(tree: Path, test: str, admin_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--timeout", "120", test],
        cwd=tree,
        env={"TEST_DATABASE_URL": admin_url, "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
