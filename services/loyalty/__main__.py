"""`python -m services.loyalty api | worker | migrate | all`."""

import sys

from libs.servicekit.commands import main
from services.loyalty.bootstrap import api, migrate, worker
from services.loyalty.settings import Settings

if __name__ == "__main__":
    sys.exit(main("loyalty", settings=Settings, api=api, worker=worker, migrate=migrate))
