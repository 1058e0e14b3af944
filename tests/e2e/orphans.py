"""Runs a module of ours and then waits for everything that it started: what outlives it for five seconds kills us.

Used as a process: `python -m tests.e2e.orphans deploy.demo --households 60` ends with the module's exit code, or by
SIGALRM if anything was left running.
"""

import ctypes
import os
import signal
import subprocess
import sys

_GRACE_SECONDS = 5
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Descendants whose parent ends become our children (on Linux; elsewhere only the ports tell of them)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_for_orphans() -> None:
    """No child is left."""
    signal.alarm(_GRACE_SECONDS)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    signal.alarm(0)


if __name__ == "__main__":
    adopt_orphans()
    code = subprocess.call([sys.executable, "-m", *sys.argv[1:]])
    wait_for_orphans()
    sys.exit(code)
