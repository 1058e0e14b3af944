"""The stack as tests and the demo use it: PostgreSQL only, which has all of its steps but the services."""

import asyncio
import shutil
import signal
import socket
from collections.abc import Iterator

import asyncpg
import pytest

from deploy.local.databases import SERVICES
from deploy.local.environment import service_environment
from deploy.local.errors import Refused
from deploy.local.folders import Folders
from deploy.local.ports import HOST, free_ports
from deploy.local.postgres import start_server
from deploy.local.run_state import Running
from deploy.local.stack import Stack, scratch_folders
from deploy.local.topics import topic_partitions
from libs.contracts.registry import TOPICS


@pytest.fixture
def folders() -> Iterator[Folders]:
    made = scratch_folders()
    yield made
    shutil.rmtree(made.data)


async def fetchval(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_a_scratch_stack_has_databases_and_a_bus_and_leaves_nothing() -> None:
    async with Stack(services=()) as stack:
        pid = stack.supervisor.pids()["postgres"]
        for service in SERVICES:
            assert await fetchval(stack.databases.services[service].worker, "SELECT current_database()") == service
        assert await fetchval(stack.bus_url, "SELECT count(*) FROM part") == sum(topic_partitions().values())
        folder = stack.folders.data

    assert Running.of(pid) is None
    assert not folder.exists()


async def test_a_role_reaches_no_other_database() -> None:
    async with Stack(services=()) as stack:
        foreign = stack.databases.services["loyalty"].api.removesuffix("/loyalty") + "/messaging"

        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await fetchval(foreign, "SELECT 1")


async def test_a_killed_server_comes_back_with_its_data() -> None:
    said: list[str] = []
    async with Stack(services=(), say=said.append) as stack:
        before = stack.supervisor.pids()["postgres"]
        await fetchval(stack.databases.services["loyalty"].owner, "CREATE TABLE kept AS SELECT 1 AS n")

        stack.supervisor.signal("postgres", signal.SIGKILL)
        await _until_another(stack, before)

        assert await _eventually(stack.databases.services["loyalty"].owner, "SELECT n FROM kept") == 1
    assert any("postgres ended (killed by SIGKILL)" in text for text in said)


async def test_data_and_keys_survive_a_stack(folders: Folders) -> None:
    async with Stack(folders, services=()) as stack:
        await fetchval(stack.databases.services["loyalty"].owner, "CREATE TABLE kept AS SELECT 1 AS n")
        sealed_with = stack.keys.seal

    async with Stack(folders, services=()) as stack:
        assert stack.keys.seal == sealed_with
        assert await fetchval(stack.databases.services["loyalty"].owner, "SELECT n FROM kept") == 1


async def test_a_refused_start_frees_the_folder_again(folders: Folders) -> None:
    ports = free_ports()
    with socket.socket() as other:
        other.bind((HOST, ports.postgres))
        other.listen()
        with pytest.raises(Refused, match="PostgreSQL"):
            await _start(Stack(folders, ports=ports, services=()))

    await _start(Stack(folders, ports=ports, services=()))


async def test_two_stacks_on_one_folder_are_refused(folders: Folders) -> None:
    async with Stack(folders, services=()):
        with pytest.raises(Refused, match="already running"):
            await _start(Stack(folders, services=()))


async def test_a_running_server_can_be_used_instead_of_our_own() -> None:
    with start_server() as server:
        async with Stack(services=(), database_url=server.admin_url) as stack:
            assert stack.supervisor.pids() == {}
            assert await fetchval(stack.databases.services["messaging"].api, "SELECT 1") == 1


async def test_a_process_gets_no_database_role_but_its_own() -> None:
    async with Stack(services=()) as stack:
        told = {
            process: service_environment(
                "order_ingest", process, urls=stack.databases, bus_url="bus", ports=stack.ports, keys=stack.keys
            )
            for process in ("migrate", "api", "worker")
        }

    roles = {process: {name for name in each if name.startswith("DATABASE_")} for process, each in told.items()}
    assert roles == {
        "migrate": {"DATABASE_OWNER_URL"},
        "api": {"DATABASE_API_URL", "DATABASE_INTAKE_URL"},
        "worker": {"DATABASE_WORKER_URL"},
    }


def test_every_topic_of_the_contracts_is_on_the_bus() -> None:
    assert set(topic_partitions()) == set(TOPICS)
    assert all(topic_partitions()[topic] == 8 for topic in TOPICS if topic != "control")


async def _start(stack: Stack) -> None:
    async with stack:
        pass


async def _until_another(stack: Stack, before: int) -> None:
    async with asyncio.timeout(60):
        while stack.supervisor.pids().get("postgres", before) == before:  # noqa: ASYNC110 - processes give no event
            await asyncio.sleep(0.02)


async def _eventually(url: str, statement: str) -> object:
    async with asyncio.timeout(60):
        while True:
            try:
                return await fetchval(url, statement)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
                await asyncio.sleep(0.05)
