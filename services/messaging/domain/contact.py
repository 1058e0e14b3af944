"""Whom we may write to: what is known of a customer, and what became of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Details:
    """Personal data, readable only inside this service's memory."""

    email: str | None = None
    phone: str | None = None
    given_name: str | None = None
    family_name: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """A customer as order-ingest describes them now."""

    identity_version: int
    details: Details | None
    email_hash: str | None
    locale: str | None
    time_zone: str | None
    anonymous: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer in this service; `identity_version` 0 means that only their id was named so far."""

    merchant_no: int
    customer_id: UUID
    identity_version: int = 0
    details: Details | None = None
    email_hash: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    anonymous: bool = False
    merged_into: UUID | None = None
    merge_version: int = 0
    """identity_version of the newest merge that decided about this customer, as absorbed or as survivor against it."""
    erased_at: datetime | None = None

    @property
    def email(self) -> str | None:
        """The address to write to, if there is one."""
        return self.details.email if self.details else None


def described(contact: Contact, description: Description) -> Contact:
    """The contact as the newest description has it; an erased person is never described again."""
    if contact.erased_at is not None or description.identity_version <= contact.identity_version:
        return contact
    return replace(
        contact,
        identity_version=description.identity_version,
        details=description.details,
        email_hash=description.email_hash,
        locale=description.locale,
        time_zone=description.time_zone,
        anonymous=description.anonymous,
    )


def absorbed(contact: Contact, *, into: UUID, identity_version: int) -> Contact:
    """What is left of a contact whose person goes on as another: an alias without personal data."""
    return replace(
        contact,
        merge_version=identity_version,
        details=None,
        email_hash=None,
        locale=None,
        time_zone=None,
        merged_into=into,
    )


def reborn(contact: Contact, *, identity_version: int) -> Contact:
    """Nobody's alias any more: a newer merge went the other way round."""
    return replace(contact, merged_into=None, merge_version=identity_version)


def inherited(survivor: Contact, from_contact: Contact) -> Contact:
    """The survivor, with the absorbed contact's address if it has none of its own."""
    if survivor.erased_at is not None or survivor.email is not None or from_contact.email is None:
        return survivor
    return replace(
        survivor,
        details=from_contact.details,
        email_hash=from_contact.email_hash,
        locale=survivor.locale or from_contact.locale,
        time_zone=survivor.time_zone or from_contact.time_zone,
        anonymous=survivor.anonymous and from_contact.anonymous,
    )


def erased(contact: Contact, *, at: datetime) -> Contact:
    """A tombstone: nothing personal is left, and nothing personal will be taken in again.

    Of two erasures the earlier stands, in whatever order they are heard.
    """
    return replace(
        contact,
        details=None,
        email_hash=None,
        locale=None,
        time_zone=None,
        erased_at=at if contact.erased_at is None else min(contact.erased_at, at),
    )
