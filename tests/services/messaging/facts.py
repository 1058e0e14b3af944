"""Facts as messaging hears them."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid5

from cryptography.fernet import Fernet

from libs.contracts.commerce import (
    ConsentCapturedV1,
    ConsentProof,
    ConsentState,
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    MerchantRegisteredV1,
    OrderPaidV1,
    StoreErasedV1,
)
from libs.contracts.envelope import Envelope, Event, Origin
from libs.contracts.fact import Fact
from libs.contracts.loyalty import PointsBalance, PointsCause, PointsEarnedV1
from libs.servicekit.sealing import Sealer, Vault

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
MATCH_KEY = b64encode(b"match-key-of-the-tests").decode()
VAULT_KEY = b64encode(bytes(32)).decode()
SEAL_KEY = Fernet.generate_key().decode()
SEALER = Sealer([SEAL_KEY], b"match-key-of-the-tests")
VAULT = Vault([bytes(32)])
MERCHANT = UUID("018f0000-0000-7000-8000-000000000001")
STORE = UUID("018f0000-0000-7000-8000-000000000002")

F = TypeVar("F", bound=Fact)


def ident(*parts: object) -> UUID:
    """The same id for the same words."""
    return uuid5(MERCHANT, "/".join(map(str, parts)))


def told(fact: F, *, origin: Origin = "live", merchant_id: UUID = MERCHANT, key: object = "") -> Event[F]:
    """The fact as an event; equal facts with equal `key` have equal ids."""
    event_id = uuid5(merchant_id, f"{fact.TYPE}|{fact.model_dump_json()}|{key}")
    envelope = Envelope(
        id=event_id,
        source=fact.TOPIC,
        type=fact.TYPE,
        subject=fact.subject,
        merchant_id=merchant_id,
        occurred_at=NOW,
        recorded_at=NOW,
        origin=origin,
        correlation_id="test",
    )
    return Event(envelope=envelope, fact=fact)


def address(name: str) -> str:
    return f"{name}@shop.example"


def hashed(name: str) -> str:
    return SEALER.blind_index(MERCHANT, "email", address(name))


def merchant(merchant_id: UUID = MERCHANT) -> Event[MerchantRegisteredV1]:
    fact = MerchantRegisteredV1(
        merchant_id=merchant_id, name="Cloud Leaf", currency="CNY", time_zone="Asia/Shanghai", registered_at=NOW
    )
    return told(fact, merchant_id=merchant_id)


def registered(name: str, *, email: str | None = "", version: int = 1, **changes: Any) -> Event[CustomerRegisteredV1]:
    """`email` of "" is the name's own address, None is none at all."""
    written = address(name) if email == "" else email
    fact = CustomerRegisteredV1(
        customer_id=ident("customer", name),
        identity_version=version,
        contact_sealed=SEALER.seal({"email": written, "given_name": name.title()}) if written else None,
        email_hash=SEALER.blind_index(MERCHANT, "email", written) if written else None,
        registered_at=NOW,
        **changes,
    )
    return told(fact)


def consented(
    name: str, state: ConsentState = "subscribed", *, minutes: int = 0, snapshot: bool = False, source: str = "checkout"
) -> Event[ConsentCapturedV1]:
    proof = ConsentProof(source=source, at=NOW - timedelta(days=1) + timedelta(minutes=minutes))
    fact = ConsentCapturedV1(
        customer_id=ident("customer", name), channel="email", state=state, snapshot=snapshot, proof=proof
    )
    return told(fact)


def paid(name: str, order: object, *, origin: Origin = "live") -> Event[OrderPaidV1]:
    fact = OrderPaidV1(
        customer_id=ident("customer", name),
        order_id=ident("order", order),
        store_id=STORE,
        currency="CNY",
        at=NOW,
        version=1,
    )
    return told(fact, origin=origin)


def earned(name: str, order: object, *, points: int = 59, origin: Origin = "live") -> Event[PointsEarnedV1]:
    fact = PointsEarnedV1(
        customer_id=ident("customer", name),
        programme_id=ident("programme"),
        entry_id=ident("entry", name, order, points),
        wallet="points",
        points=points,
        balance=PointsBalance(usable=10, pending=points, held=0, debt=0),
        cause=PointsCause(order_id=ident("order", order)),
        at=NOW,
        available_at=NOW + timedelta(days=30),
    )
    return told(fact, origin=origin)


def merged(name: str, into: str, *, version: int = 2) -> Event[CustomerMergedV1]:
    fact = CustomerMergedV1(
        customer_id=ident("customer", name),
        into_customer_id=ident("customer", into),
        identity_version=version,
        merged_at=NOW,
    )
    return told(fact)


def unmerged(name: str, survivor: str, *, version: int = 3) -> tuple[Event[CustomerUnmergedV1], ...]:
    """Under the restored customer's id, and under the survivor's."""
    return tuple(
        told(
            CustomerUnmergedV1(
                customer_id=ident("customer", each),
                merge_id=ident("merge", name),
                restored_customer_id=ident("customer", name),
                survivor_customer_id=ident("customer", survivor),
                identity_version=version,
                unmerged_at=NOW,
            )
        )
        for each in (name, survivor)
    )


def erased(name: str, *, request: str | None = None) -> Event[CustomerErasedV1]:
    fact = CustomerErasedV1(
        customer_id=ident("customer", name),
        identity_version=9,
        request_id=ident("request", request) if request else None,
        erased_at=NOW,
    )
    return told(fact)


def asked(name: str, request: str = "export") -> Event[CustomerDataRequestedV1]:
    fact = CustomerDataRequestedV1(
        customer_id=ident("customer", name), request_id=ident("request", request), requested_at=NOW
    )
    return told(fact)


def store_erased(request: str = "shop") -> Event[StoreErasedV1]:
    return told(StoreErasedV1(store_id=STORE, request_id=ident("request", request), erased_at=NOW))
