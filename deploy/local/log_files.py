"""One log file per process, of bounded size, that never makes the process or the stack fail."""

import json
from collections import deque
from pathlib import Path

LARGEST_BYTES = 20 * 1024 * 1024
_TAIL_LINES = 20


class LogFile:
    """Lines appended to `<name>.log`; when that is full it becomes `<name>.1.log`, replacing the one before."""

    def __init__(self, path: Path, *, largest_bytes: int = LARGEST_BYTES) -> None:
        self.path = path
        self._largest = largest_bytes
        self._file = path.open("ab")
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.lost_lines = 0

    def write(self, line: bytes) -> None:
        """The line is in the file; on a full disk it is dropped and counted instead."""
        self._tail.append(line.decode(errors="replace").rstrip())
        try:
            self._file.write(line)
            self._file.flush()
            if self._file.tell() > self._largest:
                self._turn()
        except OSError:
            self.lost_lines += 1

    def tail(self) -> str:
        """The last lines, for a message about the process's end."""
        return "\n".join(self._tail)

    def close(self) -> None:
        """Nothing more is written."""
        try:
            self._file.close()
        except OSError:
            self.lost_lines += 1

    def _turn(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_suffix(".1.log"))
        self._file = self.path.open("ab")


def readable(line: str) -> str:
    """A JSON log line as `time level event key=value ...`; any other line as it is."""
    try:
        record = json.loads(line)
        event = record.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError):
        return line
    at = str(record.pop("timestamp", ""))[11:19]
    level = str(record.pop("level", ""))
    for known in ("service", "process", "logger", "correlation_id", "trace_id"):
        record.pop(known, None)
    exception = record.pop("exception", None)
    fields = " ".join(f"{name}={value}" for name, value in record.items())
    return f"{at} {level:<7} {event} {fields}".rstrip() + (f"\n{exception}" if exception else "")
