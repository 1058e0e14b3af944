"""`python -m tests.bench.compare [BEFORE.json AFTER.json]`: two runs side by side, without names the newest two."""

import json
import sys
from pathlib import Path

from rich.console import Console

from tests.bench.table import compared
from tests.bench.terms import FOLDER


def main(arguments: list[str]) -> int:
    """Prints the comparison; 1 if there are no two runs."""
    paths = [Path(name) for name in arguments] or sorted(FOLDER.glob("*.json"))[-2:]
    if len(paths) != 2:
        Console().print("Two runs are needed: name their files, or run `make bench` twice.")
        return 1
    before, after = (json.loads(path.read_text()) for path in paths)
    Console(width=160).print(compared(before, after))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
