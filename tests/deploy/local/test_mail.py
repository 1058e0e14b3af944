"""The mail catcher."""

import asyncio
import io
import smtplib
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import Envelope
from rich.console import Console

from deploy.local.mail import Catcher, table
from deploy.local.ports import free_ports
from deploy.local.programs import mail_program
from deploy.local.supervisor import Supervisor


def message(number: int) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = (
        "shop@example.org",
        f"c{number}@example.org",
        f"You earned {number} points",
    )
    made.set_content("Thank you.")
    return made


async def test_every_message_becomes_a_file_and_is_listed(tmp_path: Path) -> None:
    port = free_ports().smtp
    supervisor = Supervisor(tmp_path, say=lambda _: None, on_change=lambda: None)
    await supervisor.start([mail_program(port, tmp_path / "mail")])
    try:
        await asyncio.to_thread(_send, port, 30)
    finally:
        await supervisor.stop()

    files = sorted((tmp_path / "mail").glob("*.eml"))
    assert len(files) == 30
    assert b"X-Envelope-To: c0@example.org" in files[0].read_bytes()
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table(tmp_path / "mail"))
    listed = console.export_text()
    assert "30 messages" in listed
    assert "You earned 29 points" in listed


async def test_a_message_that_cannot_be_stored_is_not_accepted(tmp_path: Path) -> None:
    envelope = Envelope()
    envelope.mail_from, envelope.rcpt_tos, envelope.original_content = "a@example.org", ["b@example.org"], b"text"

    answer = await Catcher(tmp_path / "missing").handle_DATA(None, None, envelope)

    assert answer.startswith("452 ")


def _send(port: int, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as session:
        for number in range(count):
            session.send_message(message(number))


def test_an_empty_box_is_listed_as_such(tmp_path: Path) -> None:
    assert str(table(tmp_path / "absent").title).startswith("0 messages")
