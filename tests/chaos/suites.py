"""R13, R15: the suite's own concurrency tests at full size. They judge; we report what they counted."""

import asyncio
import os
import re
import sys
from collections.abc import Mapping

from tests.chaos.report import Measured, Report, Size

_OUTBOX = (
    "tests/libs/eventbus/test_outbox.py",
    "test_concurrent_transactions_leave_a_gapless_chained_outbox_in_commit_order",
)
_LEDGER = (
    "tests/services/loyalty/adapters/test_concurrency.py",
    "test_sixteen_workers_and_doubled_delivery_break_nothing",
)


async def r13(bus: str, seed: int, size: Size) -> Report:
    """Concurrent transactions leave a gapless outbox in commit order, without a deadlock."""
    settings = {"R13_TRANSACTIONS": str(size.transactions), "R13_SEED": str(seed)}
    code, output = await _pytest(_OUTBOX, settings)
    ran = _counted(output, r"seed \d+, (\d+) transactions, (\d+) rolled back")
    return Report(
        "R13 outbox order",
        {"transactions": ran[0], "rolled back": ran[1]},
        {"transactions": ran[0]},
        None,
        failures=_failures(code, output),
    )


async def r15(bus: str, seed: int, size: Size) -> Report:
    """Sixteen workers on forty accounts, 30 % of the commands delivered twice."""
    settings = {"LEDGER_COMMANDS": str(size.transactions), "LEDGER_SEED": str(seed)}
    code, output = await _pytest(_LEDGER, settings)
    commands, entries, retries, rate = _counted(output, r"(\d+) commands, (\d+) entries, (\d+) retries, (\d+) a second")
    return Report(
        "R15 ledger concurrency",
        {"commands": commands, "told twice": commands - size.transactions},
        {"retries": retries, "entries": entries},
        None,
        measured={"a thousand commands took": Measured(1000 / rate if rate else float("inf"), 2)},
        failures=_failures(code, output),
    )


async def _pytest(test: tuple[str, str], settings: Mapping[str, str]) -> tuple[int, str]:
    command = (sys.executable, "-m", "pytest", "-q", "-s", "--timeout", "1800", "::".join(test))
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace")


def _counted(output: str, pattern: str) -> list[int]:
    """The figures that the test printed; zeros, which pass for nothing, if it did not."""
    found = re.search(pattern, output)
    return [int(figure) for figure in found.groups()] if found else [0] * re.compile(pattern).groups


def _failures(code: int, output: str) -> list[str]:
    return [f"the test failed: {output[-1500:]}"] if code else []
