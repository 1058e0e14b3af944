"""E-mail addresses and phone numbers in the one form in which they identify a person."""

from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_REMEMBERED = 20_000


class LibraryAddresses:
    """`email-validator` and `phonenumbers`, without any look-up over the network."""

    def email(self, raw: str) -> str | None:
        """The address in lower case, local part included: two spellings of one mailbox are one person here."""
        return _email(raw)

    def phone(self, raw: str, region: str | None) -> str | None:
        """E.164; only numbers that a numbering plan has, since a typing error must not join two people."""
        return _phone(raw, region)


@lru_cache(maxsize=_REMEMBERED)
def _email(raw: str) -> str | None:
    try:
        return validate_email(raw.strip(), check_deliverability=False).normalized.casefold()
    except EmailNotValidError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def _phone(raw: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(raw.lstrip("'"), region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
