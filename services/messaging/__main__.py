"""`python -m services.messaging api | worker | migrate | all`."""

import sys

from libs.servicekit.commands import main
from services.messaging.bootstrap import SERVICE, api, migrate, worker
from services.messaging.settings import Settings

if __name__ == "__main__":
    sys.exit(main(SERVICE, settings=Settings, api=api, worker=worker, migrate=migrate))
