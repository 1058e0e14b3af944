"""What may stand in a mail's headers and envelope."""

import re

# Deliberately narrower than RFC 5321: no quoted local parts, no address literals, ASCII only (no SMTPUTF8).
_ADDRESS = re.compile(
    r"(?=.{3,254}$)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SUBJECT_CHARACTERS = 200
_NAME_CHARACTERS = 80


def is_deliverable(address: str) -> bool:
    """True when the address can stand in RCPT TO as it is."""
    local = address.partition("@")[0]
    dots_are_single = not local.startswith(".") and not local.endswith(".") and ".." not in local
    return dots_are_single and _ADDRESS.fullmatch(address) is not None


def masked(address: str) -> str:
    """The address as a screen may show it: enough to recognise, not enough to use."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain}"


def subject_line(text: str) -> str:
    """The text on one line, short enough for a subject."""
    return _one_line(text)[:_SUBJECT_CHARACTERS]


def display_name(text: str) -> str:
    """The text on one line, without what would end a quoted name."""
    return _one_line(text).replace('"', "").replace("\\", "").replace("<", "").replace(">", "")[:_NAME_CHARACTERS]


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
