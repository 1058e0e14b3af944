"""docker-compose.yml carried out without an engine: its containers as processes, in the order that it asks for."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import free_ports
from deploy.local.supervisor import Program, Supervisor
from tests.deploy.compose.compose_file import Service
from tests.deploy.compose.containers import Address, Machine, command_of, environment_of
from tests.deploy.compose.image import Builder, Image


@dataclass(frozen=True, slots=True)
class Container:
    """One service of the file with its image, and the port of this machine that its own port became."""

    service: Service
    image: Image
    machine: Machine

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.machine.own_port}"

    def program(self) -> Program:
        """Its process, which is ready when the image's health check says so."""
        environment = environment_of(self.service, self.image, self.machine)
        check = self.image.command(self.image.healthcheck)

        async def is_ready() -> bool:
            process = await asyncio.create_subprocess_exec(
                *check, env=environment, cwd=self.image.working_folder, stdout=asyncio.subprocess.DEVNULL
            )
            return await process.wait() == 0

        return Program(
            name=self.service.name,
            command=command_of(self.service, self.image, self.machine),
            environment=environment,
            is_ready=is_ready,
            folder=self.image.working_folder,
            stop_seconds=20.0,
        )


def containers(
    services: Mapping[str, Service], builder: Builder, *, addresses: Mapping[Address, Address], files: Path
) -> dict[str, Container]:
    """Every service that we build, by name; `addresses` says where those that we do not build are."""
    ours = [each for each in services.values() if each.is_ours]
    free = free_ports()
    ports = {**{f"{name}-api": port for name, port in free.apis.items()}}
    ports |= {f"{name}-worker": port for name, port in free.workers.items()}
    return {
        each.name: Container(
            service=each,
            image=builder.build(str(each.target), each.arguments),
            machine=Machine(addresses, ports.get(each.name.replace("order-ingest", "order_ingest"), 0), files),
        )
        for each in ours
    }


async def up(made: Mapping[str, Container], supervisor: Supervisor, *, served: Collection[str]) -> list[str]:
    """Every job has run and every other container is ready, each after what it depends on; returns their order.

    `served`: the services that are healthy already, since the test serves them.
    """
    done, order, waiting = set(served), list[str](), dict(made)
    while waiting:
        wave = [each for each in waiting.values() if set(each.service.depends_on) <= done]
        assert wave, f"nothing can start: {sorted(waiting)} wait"
        await supervisor.run([each.program() for each in wave if each.service.is_job])
        await supervisor.start([each.program() for each in wave if not each.service.is_job])
        for each in wave:
            order.append(each.service.name)
            done.add(each.service.name)
            del waiting[each.service.name]
    return order
