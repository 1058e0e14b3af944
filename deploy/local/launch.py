"""Becomes another program that cannot outlive its parent: run by path with `python -I -S`, standard library only.

usage: launch.py PARENT_PID DEATH_SIGNAL UID GID NICENESS COMMAND...     (UID -1: stay who we are)

A process of its own instead of a pre-exec hook, because a hook runs between fork and exec of a process that may have
threads. Linux forgets the parent-death signal at a change of user, so the user is changed first.
"""

import contextlib
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Does not return."""
    parent, death_signal, uid, gid, niceness = (int(text) for text in arguments[:5])
    command = arguments[5:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if niceness:
        _be_nice(niceness)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the line above took effect
        sys.exit(f"the starter of {command[0]} is gone")
    os.execv(command[0], command)  # noqa: S606 - no shell wanted


def _be_nice(niceness: int) -> None:
    """Others go first. Where Linux shares processors out among sessions, it is the session's niceness that counts."""
    os.nice(niceness)
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(niceness))


if __name__ == "__main__":
    main(sys.argv[1:])
