"""The service as it is deployed: one process, from facts on the bus to a mail, ended by SIGTERM."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.services.messaging.facts import MATCH_KEY, SEAL_KEY, VAULT_KEY, address
from tests.services.messaging.stage import Stage, story, until
from tests.services.messaging.web import ISSUER


async def test_process_turns_facts_into_mails_and_ends_when_asked(stage: Stage) -> None:
    await stage.tell(*story("ada", "bea"))
    await stage.bus.append(await stage.records())

    async with _running(stage) as (process, api):
        await until(lambda: _is_ready(api))
        await until(lambda: _has_mails(stage, 2))
        assert (await api.get("/asyncapi.json")).json()["asyncapi"] == "3.0.0"
        assert (await api.get("/v1/messages")).status_code == 401
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 0, output.decode()
    assert stage.messaging.mailbox.recipients == [address("ada"), address("bea")]
    for secret in (b"@shop.example", SEAL_KEY.encode(), MATCH_KEY.encode(), b"Ada"):
        assert secret not in output


@asynccontextmanager
async def _running(on: Stage) -> AsyncIterator[tuple[Process, httpx.AsyncClient]]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_API_URL": on.messaging.urls.api,
        "DATABASE_WORKER_URL": on.messaging.urls.worker,
        "BUS_URL": on.bus.url,
        "AUTH_ISSUER": ISSUER,
        "AUTH_JWKS": "nowhere",
        "SEAL_KEYS": SEAL_KEY,
        "MATCH_KEY": MATCH_KEY,
        "VAULT_KEYS": VAULT_KEY,
        "HTTP_PORT": str(port),
        "SMTP_HOST": on.messaging.mailbox.host,
        "SMTP_PORT": str(on.messaging.mailbox.port),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.messaging", "all", env=environment, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as api:
            yield process, api
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _is_ready(api: httpx.AsyncClient) -> bool:
    try:
        return (await api.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _has_mails(on: Stage, count: int) -> bool:
    return len(on.messaging.mailbox.received) >= count
