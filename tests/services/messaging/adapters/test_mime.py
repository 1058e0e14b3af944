"""Mails as bytes: what is filled in never becomes a header of its own."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.messaging.adapters.mime import Mail, UnsafeHeader, mail_bytes
from services.messaging.domain.address import subject_line
from services.messaging.domain.templates import Rendered

MAIL = Mail(
    sender_name="Cloud Leaf",
    sender_address="hello@mail.example",
    recipient="ada@shop.example",
    message_id="<1@bounce.example>",
    date=datetime(2026, 3, 9, 12, tzinfo=UTC),
    unsubscribe_url="https://mail.example/v1/u/abc",
    rendered=Rendered("Hello", "<p>Grüße</p>", "Grüße\n"),
)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"]
HEADERS += ["Auto-Submitted", "MIME-Version", "Content-Type"]


def read(mail: Mail) -> EmailMessage:
    return message_from_bytes(mail_bytes(mail), policy=policy.default)


def test_mail_has_both_parts_and_one_click_unsubscription() -> None:
    message = read(MAIL)

    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content() == "Grüße\n\n--\nUnsubscribe: https://mail.example/v1/u/abc\n"
    assert "<p>Grüße</p>" in html.get_content()
    assert 'href="https://mail.example/v1/u/abc"' in html.get_content()
    assert message["List-Unsubscribe"] == "<https://mail.example/v1/u/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"] == "Mon, 09 Mar 2026 12:00:00 +0000"


@given(st.text(max_size=300), st.text(max_size=100))
def test_no_subject_or_name_adds_a_header(subject: str, name: str) -> None:
    message = read(replace(MAIL, sender_name=name, rendered=Rendered(subject, "<p></p>", "\n")))

    assert list(message.keys()) == HEADERS
    assert message["To"] == "ada@shop.example"
    assert message["From"].addresses[0].addr_spec == "hello@mail.example"


@pytest.mark.parametrize("subject", ["Hello", "Grüße aus 云叶", "x" * 190, "=?utf-8?b?eA==?=", "积分" * 90])
def test_subject_reads_as_it_was_written(subject: str) -> None:
    message = read(replace(MAIL, rendered=Rendered(subject, "<p></p>", "\n")))

    assert message["Subject"] == subject_line(subject)
    assert max(map(len, mail_bytes(MAIL).splitlines())) <= 998


@pytest.mark.parametrize(
    "unsafe",
    [
        replace(MAIL, recipient="ada@shop.example\r\nBcc: eve@x.example"),
        replace(MAIL, recipient="ada@shop.example, eve@x.example"),
        replace(MAIL, message_id="<1@x>\r\nX: y"),
        replace(MAIL, unsubscribe_url="https://x.example/\nX: y"),
        replace(MAIL, unsubscribe_url="https://x.example/é"),
    ],
)
def test_value_that_would_leave_its_header_is_refused(unsafe: Mail) -> None:
    with pytest.raises(UnsafeHeader):
        mail_bytes(unsafe)
