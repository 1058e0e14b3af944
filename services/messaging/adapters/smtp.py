"""Hands mails to the relay over a few kept connections, and says honestly what is known of each."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected, SMTPTimeoutError

from libs.servicekit.effects import Done, Failed, Outcome, Retry, Unknown

CONNECTIONS: Final = 8


@dataclass(frozen=True, slots=True)
class Parcel:
    """A mail with its envelope."""

    sender: str
    recipient: str
    content: bytes


class SmtpRelay:
    """The mail relay. Connections are opened when needed, kept, and thrown away after any surprise."""

    def __init__(self, *, host: str, port: int, timeout_seconds: float, data_timeout_seconds: float) -> None:
        """Connecting and each command may take `timeout_seconds`, the answer to a mail's content the longer time."""
        self._host = host
        self._port = port
        self._timeout_seconds = timeout_seconds
        self._data_timeout_seconds = data_timeout_seconds
        self._idle: list[SMTP] = []
        self._slots = asyncio.Semaphore(CONNECTIONS)

    async def send(self, parcel: Parcel) -> Outcome:
        """What became of the mail.

        Until DATA is under way a mail has certainly not been sent. Once it is, only the relay's answer tells; without
        an answer nobody knows.
        """
        async with self._slots:
            client = await self._opened(parcel)
            if not isinstance(client, SMTP):
                return client
            try:
                await client.data(parcel.content, timeout=self._data_timeout_seconds)
            except SMTPResponseException as answer:
                return await self._refused(client, answer)
            except (SMTPServerDisconnected, SMTPTimeoutError, OSError):
                client.close()
                return Unknown("connection_lost")
            self._idle.append(client)
            return Done()

    async def close(self) -> None:
        """No connection is left."""
        while self._idle:
            await self._dismiss(self._idle.pop())

    async def _opened(self, parcel: Parcel) -> SMTP | Outcome:
        """A connection that accepted sender and recipient."""
        while self._idle:
            client = self._idle.pop()
            accepted = await self._addressed(client, parcel)
            # The relay may have closed an idle connection meanwhile; that says nothing about this mail.
            if not isinstance(accepted, Retry) or accepted.reason != "connection_lost":
                return accepted
        client = SMTP(hostname=self._host, port=self._port, timeout=self._timeout_seconds, start_tls=None)
        try:
            await client.connect()
        except (SMTPException, OSError):
            client.close()
            return Retry("relay_unreachable")
        return await self._addressed(client, parcel)

    async def _addressed(self, client: SMTP, parcel: Parcel) -> SMTP | Outcome:
        try:
            await client.mail(parcel.sender)
            await client.rcpt(parcel.recipient)
        except SMTPResponseException as answer:
            return await self._refused(client, answer)
        except (SMTPException, OSError):
            client.close()
            return Retry("connection_lost")
        return client

    async def _refused(self, client: SMTP, answer: SMTPResponseException) -> Outcome:
        """An answer of 4xx asks to come again, one of 5xx is final. Source: RFC 5321, section 4.2.1."""
        permanent = 500 <= answer.code < 600
        try:
            await client.rset()
            self._idle.append(client)
        except (SMTPException, OSError):
            client.close()
        return Failed("rejected") if permanent else Retry("deferred_by_relay")

    async def _dismiss(self, client: SMTP) -> None:
        with suppress(SMTPException, OSError):
            await client.quit()
        client.close()
