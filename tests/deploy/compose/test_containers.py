"""The containers as processes: each command of the file with exactly its environment, from folders laid out as images.

What an engine would add (users, read-only mounts, networks) is checked on paper in test_compose_file.py, except that
nothing may be written into an image.
"""

import asyncio
import base64
import email
import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from deploy.compose.env_file import made_keys
from deploy.local.databases import SERVICES
from deploy.local.kafka_folder import Node
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token, service_name
from deploy.local.ports import HOST, free_ports
from deploy.local.postgres import Server, start_server
from deploy.local.programs import mail_program
from deploy.local.supervisor import Supervisor
from libs.eventbus.kafka_topics import differences
from libs.eventbus.topics import KAFKA_TOPICS
from tests.asking import client_of, done, eventually, items
from tests.brokers import need_kafka
from tests.chaos.sender import Hook
from tests.deploy.compose import installation
from tests.deploy.compose.broker import composed_broker
from tests.deploy.compose.composed import Container, containers, up
from tests.deploy.compose.image import Builder
from tests.shopping import address_of, deliver, order_document, text_of

Contents = Mapping[Path, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Up:
    """The installation as it runs. `built`: what its images held before anything started."""

    folder: Path
    containers: Mapping[str, Container]
    order: list[str]
    built: Contents
    supervisor: Supervisor
    logs: Path

    def client(self, service: str, merchant: UUID | None = None) -> httpx.AsyncClient:
        """A client of a service's API, with a merchant's token or the platform's."""
        scopes = MERCHANT_SCOPES if merchant else ADMIN_SCOPES
        token = local_token(made_keys(self.folder), merchant=merchant, scopes=scopes)
        return client_of(self.containers[f"{service}-api"].address, token)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("installation")


@pytest.fixture(scope="module")
def settings(folder: Path) -> dict[str, str]:
    return installation.installed(folder)


@pytest.fixture(scope="module")
def server(settings: dict[str, str]) -> Iterator[Server]:
    """PostgreSQL as the container of that name has it at its first start: no role, no database."""
    with start_server(password=settings["POSTGRES_PASSWORD"]) as running:
        yield running


@pytest.fixture(scope="module")
async def kafka(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    """The broker of the file at its first start: no topic."""
    need_kafka()
    environment = installation.services(folder)["kafka"].environment
    async with composed_broker(environment, tmp_path_factory.mktemp("kafka")) as node:
        yield node


@pytest.fixture(scope="module")
async def running(
    server: Server, kafka: Node, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Up]:
    """All of it, started once for this module."""
    logs, mail_port = tmp_path_factory.mktemp("logs"), free_ports().smtp
    addresses = {
        ("postgres", 5432): (HOST, server.port),
        ("kafka", 9092): (HOST, kafka.port),
        ("mail", 1025): (HOST, mail_port),
    }
    builder = Builder(installation.stages(), tmp_path_factory.mktemp("images"))
    made = containers(installation.services(folder), builder, addresses=addresses, files=folder)
    built = _contents(made)
    supervisor = Supervisor(logs, say=lambda _: None, on_change=lambda: None)
    try:
        await supervisor.start([mail_program(mail_port, logs / "mail")])
        order = await up(made, supervisor, served={"postgres", "kafka", "mail"})
        yield Up(folder, made, order, built, supervisor, logs)
    finally:
        await supervisor.stop()


async def test_the_jobs_left_what_the_services_need(running: Up, kafka: Node) -> None:
    assert running.order[:2] == ["databases", "topics"]
    assert await differences(f"{HOST}:{kafka.port}", KAFKA_TOPICS) == []


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("process", ["api", "worker"])
async def test_a_container_is_ready_where_its_health_is_asked(running: Up, service: str, process: str) -> None:
    container = running.containers[f"{service_name(service)}-{process}"]

    async with client_of(container.address) as client:
        answer = await done(client.get("/readyz"))

    assert answer["checks"]
    assert set(answer["checks"].values()) == {"ok"}


def test_everything_started_behind_what_it_depends_on_and_none_died(running: Up) -> None:
    assert sorted(running.order) == sorted(running.containers)
    for name, container in running.containers.items():
        before = [each for each in container.service.depends_on if each in running.containers]
        assert all(running.order.index(each) < running.order.index(name) for each in before)
    assert set(running.supervisor.restarts().values()) == {0}


async def test_an_order_told_to_one_container_ends_as_mail_from_another(running: Up) -> None:
    """Tokens, keys, databases, bus and relay fit together across all eight processes."""
    async with running.client("order-ingest") as platform:
        body = {"name": "Acme Mugs", "currency": "EUR", "time_zone": "Europe/Berlin"}
        merchant = UUID((await done(platform.post("/v1/merchants", json=body)))["merchant_id"])

    await _let_every_order_earn(running, merchant)
    await _order(running, merchant)

    mail = await eventually(lambda: asyncio.to_thread(_mail_to, running.logs / "mail", address_of("acme")), "the mail")
    assert str(mail["List-Unsubscribe"]).startswith("<http://127.0.0.1:8004/")
    async with running.client("segmentation", merchant) as segmentation:
        assert await eventually(lambda: items(segmentation, "/v1/segments"), "the segment")


@pytest.mark.parametrize("process", ["api", "worker"])
async def test_a_stopped_container_ends_in_order(running: Up, process: str) -> None:
    name = f"loyalty-{process}"

    await running.supervisor.halt(name)

    assert (running.logs / f"{name}.log").read_text().splitlines()[-1].startswith('{"event": "process_ended"')
    await running.supervisor.resume(name)


def test_nothing_was_written_into_an_image(running: Up) -> None:
    """`read_only` can hold: what the images were built with is all that there is, unchanged."""
    assert running.built
    assert _contents(running.containers) == running.built


async def _let_every_order_earn(running: Up, merchant: UUID) -> None:
    async with running.client("loyalty", merchant) as loyalty:
        programmes = await eventually(lambda: items(loyalty, "/v1/programmes"), "the programme")
        versions = f"/v1/programmes/{programmes[0]['programme_id']}/versions"
        await done(loyalty.post(versions, json={"effective_at": "2020-01-01T00:00:00Z"}))
        await done(loyalty.post(f"{versions}/2/publication"))


async def _order(running: Up, merchant: UUID) -> None:
    secret = "whsec_" + base64.b64encode(hashlib.sha256(b"acme").digest()).decode()
    wanted = {"platform": "standard", "account": "acme", "currency": "EUR", "time_zone": "Europe/Berlin"}
    now = datetime.now(UTC)
    async with running.client("order-ingest", merchant) as ingest:
        store = await done(ingest.post("/v1/stores", json={**wanted, "secret": secret}))
        assert store["hook_url"].startswith("http://127.0.0.1:8001/")  # the published port, seen from the machine
        hook = Hook(str(ingest.base_url).rstrip("/") + urlsplit(store["hook_url"]).path, secret)
    order = order_document("acme", 1, placed_at=now - timedelta(days=1))
    await deliver(hook, {"type": "order.updated", "timestamp": text_of(now), "data": order})


def _mail_to(folder: Path, address: str) -> email.message.Message | None:
    for path in folder.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes())
        if message["X-Envelope-To"] == address:
            return message
    return None


def _contents(made: Mapping[str, Container]) -> Contents:
    """Every file of every image, with its size and the time of its last change; links are not followed."""
    roots = {each.image.root for each in made.values()}
    found = ((path, path.lstat()) for root in roots for path in root.rglob("*"))
    return {path: (each.st_size, each.st_mtime_ns) for path, each in found}
