"""`python -m services.order_ingest api | worker | migrate | all`; `import FILE` is a client of the running service."""

import sys

from libs.servicekit.commands import main
from services.order_ingest.adapters.history_file import DiskFile
from services.order_ingest.adapters.import_client import open_service
from services.order_ingest.bootstrap import api, migrate, worker
from services.order_ingest.settings import Settings
from services.order_ingest.worker_tasks import NAME


def run(arguments: list[str]) -> int:
    """What the command line asks for has been done; its exit code."""
    if arguments[:1] == ["import"]:
        # The services' image has no rich: only who imports needs it.
        from services.order_ingest.entrypoints import import_command

        return import_command.main(arguments[1:], open_service, DiskFile.at)
    return main(NAME, settings=Settings, api=api, worker=worker, migrate=migrate, arguments=arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
