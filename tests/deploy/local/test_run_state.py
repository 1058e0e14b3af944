"""Who is alive, as the kernel tells it."""

import subprocess
import sys
from pathlib import Path

from deploy.local.run_state import Running


def test_a_process_whose_first_thread_ended_before_the_others_is_alive() -> None:
    script = (
        "import ctypes, sys, threading\n"
        "threading.Thread(target=sys.stdin.read).start()\n"
        "print('begun', flush=True)\n"
        "ctypes.CDLL(None).pthread_exit(None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while " Z " not in Path(f"/proc/{process.pid}/stat").read_text():
            pass  # its first thread is about to end

        found = Running.of(process.pid)

        process.kill()
    assert found is not None
    assert found.pid == process.pid
    assert not found.is_alive()


def test_a_process_that_ended_and_was_not_waited_for_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    while " Z " not in Path(f"/proc/{process.pid}/stat").read_text():
        pass

    found = Running.of(process.pid)

    process.wait()
    assert found is None
