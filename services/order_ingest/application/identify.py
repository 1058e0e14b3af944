"""Turns the people in a change into keys and statements: addresses normalised, hashed, never compared in clear."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from services.order_ingest.application.entries import Named
from services.order_ingest.application.ports import Addresses, Seals
from services.order_ingest.domain.changes import Change, OrderSeen
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.persons import (
    CustomerSeen,
    CustomersJoined,
    DataAsked,
    DependantSeen,
    ErasureAsked,
    Person,
)
from services.order_ingest.domain.reading import microseconds
from services.order_ingest.domain.statements import Statement
from services.order_ingest.domain.storefront import Storefront
from services.order_ingest.domain.tags import statements

RECIPIENT_RANK = -1
ORDER_RANK = 0
CUSTOMER_RANK = 1
"""What a customer record says of a person outranks what an order of the same instant says, and both outrank what
somebody says of the person to whom their goods go."""


def identify(change: Change, storefront: Storefront, *, addresses: Addresses, seals: Seals) -> Named | None:
    """Whom the change names; None for a change that names nobody by its nature."""
    match change:
        case OrderSeen(updated_us=at_us, person=person):
            return _named(person, storefront, at_us, ORDER_RANK, addresses, seals)
        case CustomerSeen(updated_us=at_us, person=person):
            return _named(person, storefront, at_us, CUSTOMER_RANK, addresses, seals)
        case (
            Happening(at=at, person=Person() as person)
            | DependantSeen(at=at, person=person)
            | ErasureAsked(at=at, person=person)
            | DataAsked(at=at, person=person)
        ):
            return _named(person, storefront, microseconds(at), ORDER_RANK, addresses, seals)
        case CustomersJoined(kept_external_id=kept, absorbed_external_id=absorbed):
            ids = tuple(Key(Strength.PLATFORM, storefront.store_no, id_) for id_ in (kept, absorbed))
            return Named(keys=ids, said={}, hashed=_hashed(ids, storefront, seals))
        case _:
            return None


def identify_recipient(change: Change, storefront: Storefront, *, addresses: Addresses, seals: Seals) -> Named | None:
    """Who gets what somebody else pays for, as the change names them; None if it names nobody."""
    match change:
        case Happening(at=at, recipient=Person() as recipient):
            return _named(recipient, storefront, microseconds(at), RECIPIENT_RANK, addresses, seals)
        case _:
            return None


def _named(person: Person, storefront: Storefront, at_us: int, rank: int, addresses: Addresses, seals: Seals) -> Named:
    email = addresses.email(person.email) if person.email else None
    phone = addresses.phone(person.phone, person.region or storefront.region) if person.phone else None
    keys = []
    if person.external_id:
        keys.append(Key(Strength.PLATFORM, storefront.store_no, person.external_id))
    if email:
        keys.append(Key(Strength.EMAIL, 0, seals.blind_index(storefront.merchant_id, "email", email)))
    if phone:
        keys.append(Key(Strength.PHONE, 0, seals.blind_index(storefront.merchant_id, "phone", phone)))
    said = {name: Statement(at_us, rank, value) for name, value in _values(person, email, phone)}
    if person.tags is not None:
        said |= statements(person.tags, storefront.store_no)
    return Named(keys=tuple(keys), said=said, consents=person.consents, hashed=_hashed(keys, storefront, seals))


def hashed_key(key: Key, *, merchant_id: UUID, seals: Seals) -> Key:
    """The form in which a platform's id is remembered once its person was erased."""
    return key._replace(value="#" + seals.blind_index(merchant_id, "platform_id", f"{key.store_no}/{key.value}"))


def _hashed(keys: Iterable[Key], storefront: Storefront, seals: Seals) -> Mapping[Key, Key]:
    ids = (key for key in keys if key.strength is Strength.PLATFORM)
    return {key: hashed_key(key, merchant_id=storefront.merchant_id, seals=seals) for key in ids}


def _values(person: Person, email: str | None, phone: str | None) -> Iterator[tuple[str, str]]:
    accepts = None if person.accepts_marketing is None else "yes" if person.accepts_marketing else "no"
    birth_on = person.birth_on.isoformat() if person.birth_on else None
    for name, value in (
        ("email", email),
        ("phone", phone),
        ("given_name", person.given_name),
        ("family_name", person.family_name),
        ("locale", person.locale),
        ("time_zone", person.time_zone),
        ("birth_on", birth_on),
        ("accepts_marketing", accepts),
    ):
        if value:
            yield name, value
