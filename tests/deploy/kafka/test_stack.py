"""The stack with a broker of its own, without services; and a broker alone, as people start it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.cluster import Cluster
from deploy.local.errors import Refused
from deploy.local.folders import REPOSITORY, Folders
from deploy.local.kafka_programs import programs_folder
from deploy.local.ports import free_ports, is_taken
from deploy.local.run_state import Running
from deploy.local.stack import Stack, scratch_folders
from deploy.local.topics import topic_differences
from libs.eventbus.kafka_metadata import describe
from tests.brokers import need_kafka


@pytest.fixture
def folders() -> Iterator[Folders]:
    made = scratch_folders()
    yield made
    shutil.rmtree(made.data)


async def test_a_stack_on_kafka_brings_its_broker_and_topics_and_keeps_them(folders: Folders) -> None:
    need_kafka()
    async with Stack(folders, bus="kafka", services=()) as stack:
        pid = stack.supervisor.pids()["kafka"]
        first = await describe(stack.bus_url.removeprefix("kafka://"))
        assert await topic_differences(stack.bus_url) == []

        stack.supervisor.signal("kafka", signal.SIGKILL)
        await _until_another(stack, pid)
    assert Running.of(pid) is None

    async with Stack(folders, bus="kafka", services=()) as stack:
        second = await describe(stack.bus_url.removeprefix("kafka://"))
    assert (second.cluster_id, second.topics.keys()) == (first.cluster_id, first.topics.keys())

    with pytest.raises(Refused, match="made with BUS=kafka"):
        async with Stack(folders, services=()):
            pass


async def test_a_running_broker_can_be_used_instead(kafka: Cluster) -> None:
    said: list[str] = []
    url = f"{kafka.url}/stack"
    async with Stack(services=(), bus_url=url, say=said.append) as stack:
        assert stack.supervisor.pids().keys() == {"postgres"}
        assert stack.environment("loyalty", "worker")["BUS_URL"] == url
        assert await topic_differences(url) == []

    assert any(line.startswith("topics made: stack.commerce") for line in said)


class Alone:
    """Runs `python -m deploy.kafka ...` on a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports().kafka
        (folder / "kafka").symlink_to(programs_folder())  # not fetched once more
        self._environment = {**os.environ, "HUITOU_DATA": str(folder), "HUITOU_KAFKA_PORT": str(self.port)}

    def __call__(self, module: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    need_kafka()
    programs_folder().mkdir(parents=True, exist_ok=True)
    made = Alone(tmp_path)
    yield made
    made("deploy.kafka", "down")


async def test_a_broker_alone_runs_in_the_background_and_keeps_its_data(alone: Alone) -> None:
    url = f"kafka://127.0.0.1:{alone.port}"
    up = alone("deploy.kafka", "up", "--detach")
    assert (up.returncode, up.stdout.splitlines()[0]) == (0, f"Kafka serves at {url}"), up.stderr
    alone("deploy.topics", "create", "--bus", url)

    second = alone("deploy.kafka", "up")
    stack = alone("deploy.local", "up", "--services", BUS="kafka")
    reset = alone("deploy.local", "reset", "--yes")
    status = alone("deploy.kafka", "status")
    down = alone("deploy.kafka", "down")

    assert all(each.returncode == 1 for each in (second, stack, reset))
    assert "A broker already runs on this data folder" in second.stderr
    assert "A broker already runs on this data folder" in stack.stdout
    assert "make kafka-down" in reset.stdout
    assert (status.returncode, down.stdout) == (0, "Stopped.\n")
    assert not is_taken(alone.port)
    assert alone("deploy.kafka", "status").returncode == 3

    alone("deploy.kafka", "up", "--detach")
    assert alone("deploy.topics", "verify", "--bus", url).returncode == 0


async def _until_another(stack: Stack, before: int) -> None:
    async with asyncio.timeout(60):
        while stack.supervisor.pids().get("kafka", before) == before:  # noqa: ASYNC110 - processes give no event
            await asyncio.sleep(0.02)
