"""The image's HEALTHCHECK: ends with 0 if the process of this container says that it is ready.

Run by path with `python -I -S`, standard library only: it starts every few seconds in every container.
"""

import os
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException

SECONDS = 4.0


def main(environment: Mapping[str, str] = os.environ) -> int:
    """The exit code; what `/readyz` said is printed, Docker keeps it for `docker inspect`."""
    port = environment.get("WORKER_HTTP_PORT") or environment["HTTP_PORT"]
    connection = HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        print(answer.read(2000).decode(errors="replace"))
    except (OSError, HTTPException) as error:
        print(f"no answer: {error!r}")
        return 1
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
