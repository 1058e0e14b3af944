"""Mails as bytes: the frame is built once per sender by the standard library, then filled for each message.

Building a whole EmailMessage costs milliseconds, filling a frame microseconds. What is filled in is either checked to
be printable ASCII on one line or encoded (RFC 2047 words, base64), so no value can start a header of its own.
"""

from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import Final

from services.messaging.domain.address import display_name, is_deliverable, subject_line
from services.messaging.domain.templates import Rendered

_TO, _SUBJECT, _DATE, _ID, _UNSUBSCRIBE, _TEXT, _HTML = _MARKS = tuple(f"X{name}MARKX" for name in "ABCDEFG")
# A date header takes nothing but a date; the mark takes its place afterwards.
_EPOCH: Final = "Thu, 01 Jan 1970 00:00:00 +0000"
_FOOTER_TEXT: Final = "\n--\nUnsubscribe: {url}\n"
_FOOTER_HTML: Final = '<hr><p style="font-size:12px;color:#666"><a href="{url}">Unsubscribe</a></p>'
_PAGE: Final = (
    '<!doctype html><html><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"></head><body>{body}{footer}</body></html>'
)


class UnsafeHeader(ValueError):
    """A value that would leave its header line."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient."""

    sender_name: str
    sender_address: str
    recipient: str
    message_id: str
    date: datetime
    unsubscribe_url: str
    rendered: Rendered


def mail_bytes(mail: Mail) -> bytes:
    """The mail as DATA takes it: one recipient, both parts, one-click unsubscription (RFC 8058).

    Raises: UnsafeHeader when a value cannot stand in a header.
    """
    if not is_deliverable(mail.recipient):
        raise UnsafeHeader("the recipient is no address")
    url = _safe(mail.unsubscribe_url)
    page = _PAGE.format(body=mail.rendered.html, footer=_FOOTER_HTML.format(url=escape(url, quote=True)))
    values = (
        _safe(mail.recipient).encode(),
        _words(subject_line(mail.rendered.subject)),
        _safe(format_datetime(mail.date)).encode(),
        _safe(mail.message_id).encode(),
        url.encode(),
        _body(mail.rendered.text + _FOOTER_TEXT.format(url=url)),
        _body(page),
    )
    frame = _frame(display_name(mail.sender_name), mail.sender_address)
    return b"".join(part for pair in zip(frame, (*values, b""), strict=True) for part in pair)


@lru_cache(maxsize=1024)
def _frame(sender_name: str, sender_address: str) -> tuple[bytes, ...]:
    """The constant pieces around the seven values of a mail."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f'"{sender_name}" <{sender_address}>' if sender_name else sender_address
    message["To"] = _TO
    message["Subject"] = _SUBJECT
    message["Date"] = _EPOCH
    message["Message-ID"] = _ID
    message["List-Unsubscribe"] = f"<{_UNSUBSCRIBE}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT)
    message.add_alternative(_HTML, subtype="html")
    # The bodies that are filled in are base64; the marks that they replace are not.
    plain, encoded = b"Content-Transfer-Encoding: 7bit", b"Content-Transfer-Encoding: base64"
    frame = message.as_bytes().replace(plain, encoded)
    return _cut(frame.replace(_EPOCH.encode(), _DATE.encode()))


def _cut(frame: bytes) -> tuple[bytes, ...]:
    """The frame cut at its marks, put into the order of `mail_bytes`' values."""
    places = sorted((frame.index(mark.encode()), mark) for mark in _MARKS)
    if [mark for _, mark in places] != list(_MARKS):
        raise AssertionError("the standard library ordered the headers in another way")
    pieces, start = [], 0
    for place, mark in places:
        pieces.append(frame[start:place])
        start = place + len(mark)
    return (*pieces, frame[start:])


def _safe(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise UnsafeHeader("a header value is not printable ASCII")
    return value


def _words(text: str) -> bytes:
    """A subject: as it is where that is safe, else as RFC 2047 words, folded."""
    if text.isascii() and text.isprintable() and len(text) <= 60 and "=?" not in text:
        return text.encode()
    return Header(text, "utf-8", header_name="Subject", maxlinelen=76).encode(linesep="\r\n").encode()


def _body(text: str) -> bytes:
    return encodebytes(text.encode()).replace(b"\n", b"\r\n")
