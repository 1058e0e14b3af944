"""A real SMTP server in the test's own process: it keeps what it accepts and refuses what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Received:
    """One accepted mail."""

    sender: str
    recipient: str
    message: EmailMessage


@dataclass
class Mailbox:
    """`refuse_rcpt` and `refuse_data` answer for an address, None accepts; `hang_up` cuts the line inside DATA."""

    host: str = "127.0.0.1"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    refuse_rcpt: Callable[[str], str | None] = lambda _: None
    refuse_data: Callable[[str], str | None] = lambda _: None
    hang_up: bool = False

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator["Mailbox"]:
        """A server that listens until the block ends."""
        box = cls()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(box, loop=loop, enable_SMTPUTF8=False), box.host, 0)
        box.port = server.sockets[0].getsockname()[1]
        try:
            yield box
        finally:
            server.close()

    async def handle_RCPT(  # noqa: N802  (the server calls it by this name)
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refused := self.refuse_rcpt(address):
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        recipient = str(envelope.rcpt_tos[0])
        if refused := self.refuse_data(recipient):
            return refused
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        self.received.append(Received(str(envelope.mail_from), recipient, message))
        if self.hang_up:
            server.transport.abort()
        return "250 OK"

    @property
    def recipients(self) -> list[str]:
        return sorted(mail.recipient for mail in self.received)
