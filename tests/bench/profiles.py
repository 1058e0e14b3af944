"""Flame graphs of a running process by py-spy, and the functions in which it spends its time."""

import asyncio
import re
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from signal import SIGINT

from tests.bench.figures import Result

_TOP = 8
_PY_SPY = str(Path(sys.executable).with_name("py-spy"))
_GENTLY = (
    "--duration",
    "unlimited",
    "--rate",
    "200",
    "--nonblocking",
)  # a process that is stopped for each look would be another process
_FRAME = re.compile(
    r"<title>(?P<name>[^<]*?) \((?P<samples>[\d,]+) samples?, [^<]*</title>"
    r'<rect x="[^"]*" y="(?P<y>\d+)"[^>]*? fg:x="(?P<x>\d+)" fg:w="(?P<w>\d+)"'
)


@asynccontextmanager
async def profiled(pid: int, svg: Path, result: Result) -> AsyncIterator[None]:
    """What the process does in the block is drawn into `svg`, its busiest functions noted in the result.

    Where the kernel does not let us look into the process, the result says that instead.
    """
    _make_room(svg)
    spy = await asyncio.create_subprocess_exec(
        _PY_SPY,
        *("record", "--pid", str(pid), "--output", str(svg)),
        *_GENTLY,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        if spy.returncode is None:
            spy.send_signal(SIGINT)
        _, complaint = await spy.communicate()
        result.profiles[svg.name] = top_frames(svg) or [f"no profile: {complaint.decode()[-200:].strip()}"]


def _make_room(svg: Path) -> None:
    svg.parent.mkdir(parents=True, exist_ok=True)
    svg.unlink(missing_ok=True)


def top_frames(svg: Path) -> list[str]:
    """The functions in which most samples were taken, those called from them apart; empty without a graph."""
    if not svg.exists():
        return []
    rows: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for found in _FRAME.finditer(svg.read_text()):
        rows[int(found["y"])].append((int(found["x"]), int(found["w"]), found["name"]))
    levels = [sorted(rows[y]) for y in sorted(rows, reverse=_grows_upward(rows))]
    own: Counter[str] = Counter()
    for level, above in zip(levels, [*levels[1:], []], strict=True):
        for start, width, name in level:
            inner = sum(w for x, w, _ in above if start <= x < start + width)
            own[unescape(name)] += width - inner
    everything = sum(own.values()) or 1
    return [f"{count / everything:.0%} {name}" for name, count in own.most_common(_TOP) if count]


def _grows_upward(rows: dict[int, list[tuple[int, int, str]]]) -> bool:
    """Whether the widest row, which is that of all samples, is drawn at the bottom."""
    return sum(w for _, w, _ in rows[max(rows)]) >= sum(w for _, w, _ in rows[min(rows)]) if rows else False
