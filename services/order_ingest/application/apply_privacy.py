"""The fold's part about privacy: people forgotten, people who want to see what is kept, stores that leave."""

from collections.abc import Iterator
from functools import partial
from typing import Final
from uuid import UUID

from libs.contracts.commerce import CustomerDataRequestedV1, CustomerErasedV1, StoreDisconnectedV1
from libs.kernel.identifiers import derived_id
from services.order_ingest.application.entries import Entry, Named
from services.order_ingest.application.identify import hashed_key
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Forgotten, PrivacyRequest, Workspace
from services.order_ingest.domain.changes import StoreErasureAsked, StoreLeft
from services.order_ingest.domain.customer import Key, Strength
from services.order_ingest.domain.forgetting import Erased, forget, named_by
from services.order_ingest.domain.people import Sighting
from services.order_ingest.domain.persons import DataAsked, ErasureAsked
from services.order_ingest.domain.standing import Standing

ERASURE: Final = "erasure"
DATA_EXPORT: Final = "data_export"
STORE_ERASURE: Final = "store_erasure"
_APPLIED: Final = "applied"
_NO_NEWS: Final = "no_news"
_NOBODY: Final = Named(keys=(), said={})


def apply_erasure(workspace: Workspace, entry: Entry, asked: ErasureAsked, seals: Seals) -> str:
    """Whoever is meant is forgotten, and every service is told; once more only for a later request."""
    people, named = workspace.people[entry.storefront.merchant_no], entry.named or _NOBODY
    erased = forget(
        people,
        _sighting(entry, named),
        entry.storefront,
        customer_id=asked.customer_id,
        hashed=partial(hashed_key, merchant_id=entry.storefront.merchant_id, seals=seals),
    )
    news = [each for each in erased if asked.request_id or not _was_asked(each, asked)]
    for each in news:
        _tell_erased(workspace, entry, asked, each)
    workspace.concerns(entry.cause.id, *(each.after.customer_id for each in erased))
    return _APPLIED if news else _NO_NEWS


def _was_asked(erased: Erased, asked: ErasureAsked) -> bool:
    return erased.before.erased_at is not None and asked.at <= erased.before.erased_at


def _tell_erased(workspace: Workspace, entry: Entry, asked: ErasureAsked, erased: Erased) -> None:
    customer_id, storefront = erased.after.customer_id, entry.storefront
    request_id = asked.request_id or _record(workspace, entry, asked, ERASURE, customer_id)
    fact = CustomerErasedV1(
        customer_id=customer_id,
        identity_version=erased.after.identity_version,
        request_id=request_id,
        email_hash=_first(erased.keys, Strength.EMAIL),
        phone_hash=_first(erased.keys, Strength.PHONE),
        erased_at=erased.after.erased_at or asked.at,
    )
    workspace.tell(fact, storefront, fact.erased_at, entry.cause)
    forgotten = Forgotten(
        customer_id=customer_id,
        request_id=request_id,
        storefront=storefront,
        addresses=tuple(sorted(set(_addresses(entry, erased)))),
        whole_store=asked.whole_store,
        parted_from=tuple(sorted({each.survivor_id for each in erased.before.apart.values()})),
    )
    workspace.forgotten.append(forgotten)


def apply_data_request(workspace: Workspace, entry: Entry, asked: DataAsked) -> str:
    """Every service is asked what it keeps about whoever is meant; of nobody the request alone is kept."""
    people, named = workspace.people[entry.storefront.merchant_no], entry.named or _NOBODY
    meant = [each.customer_id for each in named_by(people, _sighting(entry, named), asked.customer_id)]
    if not meant and asked.customer_id is not None:  # who was erased meanwhile is answered with what is left
        meant = [people.resolve(asked.customer_id)]
    for customer_id in meant:
        request_id = asked.request_id or _record(workspace, entry, asked, DATA_EXPORT, customer_id)
        fact = CustomerDataRequestedV1(customer_id=customer_id, request_id=request_id, requested_at=asked.at)
        workspace.tell(fact, entry.storefront, asked.at, entry.cause)
        workspace.data_wanted[request_id] = (entry.storefront, customer_id)
    if not meant:
        _record(workspace, entry, asked, DATA_EXPORT, None)
    workspace.concerns(entry.cause.id, *meant)
    return _APPLIED


def apply_departure(workspace: Workspace, entry: Entry, departure: StoreLeft | StoreErasureAsked) -> str:
    """The store is disconnected, which is told once; its people are forgotten later, if that was asked for."""
    if isinstance(departure, StoreErasureAsked):
        _record(workspace, entry, departure, STORE_ERASURE, None)
        return _APPLIED
    storefront = entry.storefront
    before = workspace.standings.get(storefront.store_no, Standing())
    after = before.left(departure.at)
    if after == before or after.disconnected_at is None:
        return _NO_NEWS
    workspace.standings[storefront.store_no] = after
    workspace.stores_left[storefront.store_no] = after.disconnected_at
    if before.disconnected_at is None:
        fact = StoreDisconnectedV1(store_id=storefront.store_id, reason=departure.reason, at=departure.at)
        workspace.tell(fact, storefront, departure.at, entry.cause)
    return _APPLIED


def _record(
    workspace: Workspace,
    entry: Entry,
    asked: ErasureAsked | DataAsked | StoreErasureAsked,
    kind: str,
    customer_id: UUID | None,
) -> UUID:
    """The request is on record under an id that follows from what asked for it, so that a replay asks nothing new."""
    request_id = derived_id(entry.cause.id, kind, str(customer_id or ""))
    workspace.privacy_requests[request_id] = PrivacyRequest(
        request_id=request_id,
        kind=kind,
        storefront=entry.storefront,
        customer_id=customer_id,
        source=asked.source,
        asked_at=asked.at,
    )
    return request_id


def _sighting(entry: Entry, named: Named) -> Sighting:
    return Sighting(keys=named.keys, hashed=named.hashed, said={}, at=entry.at)


def _first(keys: tuple[Key, ...], strength: Strength) -> str | None:
    return next((key.value for key in keys if key.strength is strength), None)


def _addresses(entry: Entry, erased: Erased) -> Iterator[str]:
    said = [erased.before.told_values(), {name: word.value for name, word in (entry.named or _NOBODY).said.items()}]
    for words in said:
        yield from (words[name] for name in ("email", "phone") if name in words)
