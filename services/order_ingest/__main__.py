"""`python -m services.order_ingest api | worker | migrate | all`."""

import sys

from libs.servicekit.commands import main
from services.order_ingest.bootstrap import NAME, api, migrate, worker
from services.order_ingest.settings import Settings

if __name__ == "__main__":
    sys.exit(main(NAME, settings=Settings, api=api, worker=worker, migrate=migrate))
