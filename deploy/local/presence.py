"""One stack per data folder: the claim on it, what is told to other commands, and what a killed one left."""

import os
from collections.abc import Mapping

from deploy.local.folders import Folders
from deploy.local.run_state import Lock, Running, State, end_leftovers, read_state, write_state
from deploy.local.supervisor import Say, Supervisor


class Presence:
    """From `claim` to `withdraw` the data folder is ours."""

    def __init__(self, folders: Folders, *, say: Say) -> None:
        self._run = folders.run
        self._say = say
        self._lock = Lock(folders.run)
        self._state = State(supervisor=Running.of(os.getpid()) or Running(os.getpid(), 0))
        self._claimed = False

    def claim(self, *, apis: Mapping[str, str], places: Mapping[str, str]) -> None:
        """Nobody else runs on the folder, and no process of an earlier run is left.

        Raises:
            Refused: a living stack has it.
        """
        self._lock.take()
        self._claimed = True
        self._end_what_was_left()
        self._state.apis, self._state.places = dict(apis), dict(places)

    def publish(self, supervisor: Supervisor, *, ready: bool) -> None:
        """Other commands see which processes run now."""
        pids = supervisor.pids().items()
        self._state.processes = {name: found for name, pid in pids if (found := Running.of(pid))}
        self._state.restarts = dict(supervisor.restarts())
        self._state.ready = ready
        try:
            write_state(self._run, self._state)
        except OSError as error:  # a full disk must not end the processes that still run
            self._say(f"the state file could not be written: {error.strerror}")

    def withdraw(self) -> None:
        """The folder is free; the run counts as stopped in order."""
        if self._claimed:
            (self._run / "state.json").unlink(missing_ok=True)
            self._lock.release()
            self._claimed = False

    def _end_what_was_left(self) -> None:
        left = read_state(self._run)
        if left is None:
            return
        ended = end_leftovers(left.processes)
        self._say(
            "The last run was not stopped in order; nothing that it had stored is lost."
            + (f" What was left of it was ended: {', '.join(ended)}." if ended else "")
        )
