"""`python -m services.segmentation api | worker | migrate | all`."""

import sys

from libs.servicekit.commands import main
from services.segmentation.bootstrap import api, migrate, worker
from services.segmentation.settings import Settings

if __name__ == "__main__":
    sys.exit(main("segmentation", settings=Settings, api=api, worker=worker, migrate=migrate))
