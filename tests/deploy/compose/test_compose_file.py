"""docker-compose.yml: well-formed, confined, and each process told what the one-machine stack tells it."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from deploy.compose.databases import password_variable
from deploy.local.databases import SERVICES, ServiceUrls, Urls, role_names
from deploy.local.environment import service_environment
from deploy.local.folders import REPOSITORY
from deploy.local.keys import load_keys
from deploy.local.local_tokens import service_name
from deploy.local.ports import free_ports
from deploy.local.postgres_command import SETTINGS
from tests.deploy.compose import compose_file, installation, structure
from tests.deploy.compose.broker import properties_of
from tests.deploy.compose.compose_file import Service, Wrong

PROCESSES: Final = ("migrate", "api", "worker")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return installation.installed(tmp_path)


@pytest.fixture
def services(tmp_path: Path) -> dict[str, Service]:
    return installation.services(tmp_path)


def test_the_file_is_in_order(settings: dict[str, str]) -> None:
    assert structure.complaints(installation.document(), settings) == []


def test_without_secrets_nothing_starts() -> None:
    assert structure.complaints(installation.document(), {}) != []


def test_every_secret_that_is_made_is_asked_for(settings: dict[str, str]) -> None:
    unused = [name for name in settings if not structure.complaints(installation.document(), {**settings, name: ""})]

    assert unused == []


Spoil = Callable[[dict[str, Any]], object]
SPOILT: Final[dict[str, Spoil]] = {
    "an unknown key": lambda services: services["mail"].update(memory="1g"),
    "an image without a tag": lambda services: services["mail"].update(image="axllent/mailpit"),
    "the newest image": lambda services: services["mail"].update(image="axllent/mailpit:latest"),
    "a port on every address": lambda services: services["mail"].update(ports=["8025:8025"]),
    "a port that YAML reads as a number": lambda services: services["mail"].update(ports=[8025]),
    "a boolean in an environment": lambda services: services["mail"]["environment"].update(MP_VERBOSE=True),
    "a missing variable": lambda services: services["mail"]["environment"].update(MP_TAG="${NOBODY_SET_THIS}"),
    "a lone dollar": lambda services: services["mail"].update(command=["$HOME"]),
    "an undeclared volume": lambda services: services["postgres"].update(volumes=["elsewhere:/var/lib/postgresql"]),
    "an undeclared network": lambda services: services["mail"].update(networks=["nowhere"]),
    "an undeclared config": lambda services: services["loyalty-api"]["configs"][0].update(source="keys"),
    "an unknown dependency": lambda services: services["topics"].update(
        depends_on={"zookeeper": {"condition": "service_healthy"}}
    ),
    "a job that is not waited for": lambda services: services["loyalty-api"]["depends_on"]["topics"].update(
        condition="service_healthy"
    ),
    "a dependency without a health check": lambda services: services["kafka"].pop("healthcheck"),
    "a circle": lambda services: services["postgres"].update(
        depends_on={"databases": {"condition": "service_completed_successfully"}}
    ),
    "root": lambda services: services["mail"].update(user="0:0"),
    "capabilities": lambda services: services["mail"].pop("cap_drop"),
    "logs without end": lambda services: services["mail"]["logging"].pop("options"),
    "a bare number as a log option": lambda services: services["mail"]["logging"]["options"].update({"max-file": 5}),
    "a health check in a shell": lambda services: services["mail"]["healthcheck"].update(test="curl localhost"),
    "a duration without a unit": lambda services: services["mail"]["healthcheck"].update(interval="5"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_spoilt_file_is_complained_about(settings: dict[str, str], spoil: Spoil) -> None:
    document = copy.deepcopy(installation.document())

    spoil(document["services"])

    assert structure.complaints(document, settings) != []


def test_a_key_that_comes_twice_is_refused() -> None:
    text = installation.COMPOSE.read_text().replace("    image: apache", "    image: other:1\n    image: apache")

    with pytest.raises(Wrong, match="image"):
        compose_file.parse(text)


def test_interpolation_is_the_specifications() -> None:
    known = {"SET": "one", "EMPTY": ""}

    assert compose_file.interpolated("${SET} ${EMPTY:-two} ${SET:-no} $${SET}", known) == "one two one ${SET}"
    with pytest.raises(Wrong, match="EMPTY"):
        compose_file.interpolated("${EMPTY:?say so}", known)


def test_every_service_has_its_three_processes_from_one_image(services: dict[str, Service]) -> None:
    for package in SERVICES:
        own = [services[f"{service_name(package)}-{process}"] for process in PROCESSES]

        assert [each.command for each in own] == [(process,) for process in PROCESSES]
        assert {(each.target, each.arguments["SERVICE"]) for each in own} == {("service", package)}
        assert {each.image for each in own} == {f"huitou-{service_name(package)}:local"}


def test_what_we_built_is_confined(services: dict[str, Service]) -> None:
    stages = installation.stages()
    ours = [each for each in services.values() if each.is_ours]

    assert len(ours) == len(PROCESSES) * len(SERVICES) + 2
    for each in ours:
        assert each.settings["read_only"]
        assert each.settings["init"]
        assert each.settings["tmpfs"] == ["/tmp"]
        assert [(each.settings["user"],)] == [user.words for user in stages[str(each.target)].all("USER")]


@pytest.mark.parametrize("package", SERVICES)
@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_is_told_what_the_one_machine_stack_tells_it(tmp_path: Path, package: str, process: str) -> None:
    told = installation.services(tmp_path)[f"{service_name(package)}-{process}"].environment
    roles = ServiceUrls("owner", "api", "worker", "intake" if package == "order_ingest" else None)
    urls = Urls({package: roles}, "", "")
    keys = load_keys(tmp_path / ".local" / "compose")
    wanted = service_environment(package, process, urls=urls, bus_url="bus", ports=free_ports(), keys=keys)

    bus_and_roles = {name for name in {*told, *wanted} if name.startswith(("DATABASE_", "BUS_"))}
    in_the_image = {"HTTP_HOST", "HTTP_PORT"}
    # Only messaging sends mail; only a worker has a health port of its own.
    elsewhere = {"SMTP_HOST", "SMTP_PORT"} if package != "messaging" else set()
    elsewhere |= {"WORKER_HTTP_PORT"} if process != "worker" else set()
    assert bus_and_roles <= set(told) & set(wanted)
    assert set(wanted) - in_the_image - elsewhere <= set(told)
    assert all(told[name] == wanted[name] for name in ("SEAL_KEYS", "MATCH_KEY", "VAULT_KEYS", "AUTH_ISSUER"))
    for name in bus_and_roles - {"BUS_URL"}:
        assert urlsplit(told[name]).username == f"{package}_{wanted[name]}"
        assert urlsplit(told[name]).path == f"/{package}"


def test_a_role_is_known_to_one_process_and_to_the_job_that_makes_it(
    settings: dict[str, str], services: dict[str, Service]
) -> None:
    holders = {
        role: {
            name
            for name, each in services.items()
            if any(settings[password_variable(role)] in value for value in each.environment.values())
        }
        for role in role_names()
    }

    assert {"databases"} == holders.pop("bus_owner") == holders.pop("bus_client")
    assert all(len(names) == 2 and "databases" in names for names in holders.values())


def test_only_the_apis_and_the_mail_page_can_be_reached_from_the_machine(services: dict[str, Service]) -> None:
    stage = installation.stages()["service"]
    inside_port = {word for each in stage.all("EXPOSE") for word in each.words}.pop()

    published = {name: each.ports for name, each in services.items() if each.ports}

    apis = {f"{service_name(each)}-api": (f"127.0.0.1:{8001 + n}:{inside_port}",) for n, each in enumerate(SERVICES)}
    assert published == {**apis, "mail": ("127.0.0.1:8025:8025",)}
    # A port of a container that is in the internal network only would not be published at all.
    assert all("outside" in services[name].networks for name in published)
    assert services["postgres"].networks == services["kafka"].networks == {"inside"}
    assert installation.document()["networks"]["inside"] == {"internal": True}


def test_a_worker_answers_where_the_health_check_asks(services: dict[str, Service]) -> None:
    exposed = installation.stages()["service"].all("EXPOSE")[0].words[0]

    for package in SERVICES:
        assert services[f"{service_name(package)}-worker"].environment["WORKER_HTTP_PORT"] == exposed
        assert "WORKER_HTTP_PORT" not in services[f"{service_name(package)}-api"].environment


def test_the_server_has_the_settings_that_everything_was_measured_with(services: dict[str, Service]) -> None:
    program, *options = services["postgres"].command

    assert program == "postgres"
    assert dict(option.removeprefix("-c").split("=", 1) for option in options) == SETTINGS


def test_the_bus_is_where_the_broker_says_it_is(services: dict[str, Service]) -> None:
    advertised = services["kafka"].environment["KAFKA_ADVERTISED_LISTENERS"].removeprefix("BROKER://")

    urls = {each.environment["BUS_URL"] for each in services.values() if "BUS_URL" in each.environment}

    assert urls == {f"kafka://{advertised}"}
    assert f"kafka://{advertised}" in services["topics"].command


def test_the_broker_has_the_settings_that_everything_was_measured_with(services: dict[str, Service]) -> None:
    told = properties_of(services["kafka"].environment)
    lines = (REPOSITORY / "deploy" / "kafka" / "server.properties").read_text().splitlines()
    measured = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    protocols = measured["listener.security.protocol.map"]
    measured["listener.security.protocol.map"] = protocols.removesuffix(",DETOUR:PLAINTEXT")  # a way for fault runs
    one_node = {"$node_id": "1", "$replication": "1", "$min_isr": "1", "$session_ms": "9000", "$heartbeat_ms": "1500"}

    where = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
    assert {name: one_node.get(each, each) for name, each in measured.items() if name not in where} == {
        name: each for name, each in told.items() if name not in where
    }
    assert where <= set(told)
    listeners = [word.partition(":")[0] for word in told["listeners"].split(",")]
    assert listeners == [word.partition(":")[0] for word in measured["listeners"].split(",")]
