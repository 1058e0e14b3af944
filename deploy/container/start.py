"""The image's entry point: becomes `python -m services.$SERVICE ARGUMENTS...`; run by path, standard library only.

A build argument is unknown to an ENTRYPOINT in exec form, and a shell there would keep signals to itself.
"""

import os
import sys


def main(arguments: list[str]) -> None:
    """Does not return: the service takes this process's place, so signals reach it."""
    service = os.environ.get("SERVICE")
    if not service:
        sys.exit("SERVICE is not set: the image was not built with --build-arg SERVICE=<folder in services/>")
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}", *arguments])  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main(sys.argv[1:])
