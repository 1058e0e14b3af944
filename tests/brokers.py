"""Whether this machine can run Kafka, and what a test run does if it cannot."""

import os

import pytest

from deploy.local.kafka_programs import programs_folder, what_is_missing


def need_kafka() -> None:
    """A broker can be started here. Else the test is skipped in one line that says what to install, or fails if
    KAFKA_REQUIRED=1 forbids that."""
    missing = what_is_missing(programs_folder())
    if missing is None:
        return
    if os.environ.get("KAFKA_REQUIRED") == "1":
        pytest.fail(f"KAFKA_REQUIRED=1, but {missing}", pytrace=False)
    pytest.skip(f"not run: {missing}")
