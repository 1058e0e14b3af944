"""Which bus a stack takes, and that a data folder keeps to the one it was made with."""

from pathlib import Path

import pytest

from deploy.local.bus import KAFKA, POSTGRES, BusChoice, bus_from, record_bus
from deploy.local.errors import Refused
from deploy.local.folders import Folders

CLUSTER = "kafka://10.0.0.1:9092,10.0.0.2:9092"


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(data=tmp_path, visible=tmp_path)


@pytest.mark.parametrize(
    ("environment", "choice"),
    [
        ({}, BusChoice(POSTGRES)),
        ({"BUS": ""}, BusChoice(POSTGRES)),
        ({"BUS": "kafka"}, BusChoice(KAFKA)),
        ({"BUS_URL": CLUSTER}, BusChoice(KAFKA, CLUSTER)),
        ({"BUS": "postgres", "BUS_URL": "postgresql://host/bus"}, BusChoice(POSTGRES, "postgresql://host/bus")),
    ],
)
def test_the_environment_chooses(folders: Folders, environment: dict[str, str], choice: BusChoice) -> None:
    assert bus_from(folders, environment) == choice


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BUS": "rabbit"}, "may be 'postgres' or 'kafka'"),
        ({"BUS": "postgres", "BUS_URL": CLUSTER}, "BUS_URL names a kafka bus"),
        ({"BUS_URL": "amqp://host"}, "nothing else"),
    ],
)
def test_nonsense_is_refused(folders: Folders, environment: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        bus_from(folders, environment)


def test_a_folder_keeps_to_its_bus(folders: Folders) -> None:
    record_bus(folders, KAFKA)

    assert bus_from(folders, {}) == BusChoice(KAFKA)
    assert bus_from(folders, {"BUS_URL": CLUSTER}) == BusChoice(KAFKA, CLUSTER)
    with pytest.raises(Refused, match=r"made with BUS=kafka, now BUS=postgres .* HUITOU_DATA"):
        bus_from(folders, {"BUS": "postgres"})


def test_data_from_before_there_was_a_choice_is_on_postgresql(folders: Folders) -> None:
    (folders.postgres / "data").mkdir(parents=True)

    with pytest.raises(Refused, match="made with BUS=postgres"):
        bus_from(folders, {"BUS": "kafka"})
