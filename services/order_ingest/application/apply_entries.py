"""The fold: entries in their order, each changing the workspace and saying what follows from it. Never awaits."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.order_ingest.application import (
    apply_privacy,
    tell_dependant,
    tell_happening,
    tell_order,
    tell_person,
    tell_product,
    unmerge_customers,
)
from services.order_ingest.application.documents import content_document
from services.order_ingest.application.entries import Entry, Named
from services.order_ingest.application.pin_rate import pin_rate
from services.order_ingest.application.ports import Seals
from services.order_ingest.application.workspace import Asked, HistoryEntry, StoredContent, Workspace
from services.order_ingest.domain import order as orders
from services.order_ingest.domain import refunds
from services.order_ingest.domain.catalogue import ProductSeen
from services.order_ingest.domain.changes import (
    FulfilmentSeen,
    OrderDeleted,
    OrderSeen,
    OrderTouched,
    PartOfOrder,
    RefundSeen,
    ReturnSeen,
    StoreErasureAsked,
    StoreLeft,
    Unheeded,
    WindowClosed,
)
from services.order_ingest.domain.happenings import Happening
from services.order_ingest.domain.order import Order
from services.order_ingest.domain.people import Sighting
from services.order_ingest.domain.persons import (
    CustomerSeen,
    CustomersJoined,
    DataAsked,
    DependantSeen,
    ErasureAsked,
    UnmergeAsked,
)
from services.order_ingest.domain.wordless import wordless_order, wordless_part, wordless_version

APPLIED = "applied"
NO_NEWS = "no_news"


def apply(workspace: Workspace, entry: Entry, seals: Seals) -> str:
    """The workspace has taken the entry in; how it ended: applied, no_news, or why it was left alone."""
    said = len(workspace.said)
    outcome = _taken(workspace, entry, seals)
    # An old version of an order changes nothing in it, but may still be the first to name its customer.
    return APPLIED if outcome == NO_NEWS and len(workspace.said) > said else outcome


def _taken(workspace: Workspace, entry: Entry, seals: Seals) -> str:
    match entry.change:
        case OrderSeen() as seen:
            return _order_seen(workspace, entry, seen, seals)
        case OrderTouched(external_id=external_id):
            workspace.asked[entry.cause.id] = Asked(storefront=entry.storefront, external_id=external_id)
            return APPLIED
        case CustomerSeen() | CustomersJoined() | DependantSeen():
            _people_seen(workspace, entry, seals)
            return NO_NEWS
        case ErasureAsked() as asked:
            return apply_privacy.apply_erasure(workspace, entry, asked, seals)
        case DataAsked() as wanted:
            return apply_privacy.apply_data_request(workspace, entry, wanted)
        case UnmergeAsked() as unwanted:
            return APPLIED if unmerge_customers.unmerge(workspace, entry, unwanted, seals) else NO_NEWS
        case StoreLeft() | StoreErasureAsked() as departure:
            return apply_privacy.apply_departure(workspace, entry, departure)
        case ProductSeen() as product:
            tell_product.tell_product(workspace, entry, product)
            return NO_NEWS
        case Happening() as happening:
            return _happened(workspace, entry, happening, seals)
        case Unheeded(outcome=outcome):
            return outcome
        case part:
            external_id = part.external_id if isinstance(part, OrderDeleted) else part.order_external_id
            before = _order(workspace, entry, external_id)
            if before.customer_id is not None:
                workspace.concerns(entry.cause.id, before.customer_id)
                if _is_erased(workspace, entry, before.customer_id):
                    part = wordless_part(part)
            return _settle(workspace, entry, before, _with_part(before, part, entry.at))


def _with_part(before: Order, part: PartOfOrder | OrderDeleted, at: datetime) -> Order:
    match part:
        case RefundSeen(refund=refund):
            return orders.see_refund(before, refund)
        case FulfilmentSeen(fulfilment=fulfilment):
            return orders.see_fulfilment(before, fulfilment)
        case ReturnSeen(returned=returned):
            return orders.see_return(before, returned)
        case WindowClosed():
            return orders.see_window_closed(before, at)
        case OrderDeleted(at=deleted_at):
            return orders.see_deletion(before, deleted_at)


def _people_seen(workspace: Workspace, entry: Entry, seals: Seals) -> None:
    if isinstance(entry.change, CustomersJoined):
        joined = entry.named or Named(keys=(), said={})
        customer_id, news = workspace.people[entry.storefront.merchant_no].join(
            joined.keys, entry.at, entry.storefront, hashed=joined.hashed
        )
        workspace.concerns(entry.cause.id, customer_id)
        for each in news:
            tell_person.tell(workspace, entry, each, seals)
    elif entry.named is not None and entry.named.keys:
        customer_id = _meet(workspace, entry, entry.named, seals)
        if isinstance(entry.change, DependantSeen) and not _is_erased(workspace, entry, customer_id):
            tell_dependant.tell(workspace, entry, entry.change, customer_id, seals)


def _happened(workspace: Workspace, entry: Entry, happening: Happening, seals: Seals) -> str:
    digest = tell_happening.digest_of(entry.storefront, happening)
    if digest in workspace.happened:
        return NO_NEWS
    parties = tell_happening.NOBODY
    if happening.person is not None:
        if entry.named is None or not entry.named.keys:
            return NO_NEWS
        parties = _parties(workspace, entry, entry.named, seals)
        if parties.customer_id is None or _is_erased(workspace, entry, parties.customer_id):
            return NO_NEWS
    tell_happening.tell(workspace, entry, happening, parties, seals)
    workspace.happened.add(digest)
    workspace.new_happenings[digest] = entry.storefront
    return APPLIED


def _parties(workspace: Workspace, entry: Entry, named: Named, seals: Seals) -> tell_happening.Parties:
    customer_id = _meet(workspace, entry, named, seals)
    if entry.recipient is None or not entry.recipient.keys:
        return tell_happening.Parties(customer_id)
    recipient_id = _meet(workspace, entry, entry.recipient, seals)
    if _is_erased(workspace, entry, recipient_id):
        return tell_happening.Parties(customer_id)
    # The recipient's keys may say who the customer is: nothing may be told under the id of a life that they ended.
    customer_id = workspace.people[entry.storefront.merchant_no].resolve(customer_id)
    return tell_happening.Parties(customer_id, recipient_id if recipient_id != customer_id else None)


def _order_seen(workspace: Workspace, entry: Entry, seen: OrderSeen, seals: Seals) -> str:
    before = _order(workspace, entry, seen.external_id)
    named = entry.named or Named(keys=(), said={})
    customer_id = _meet(workspace, entry, named, seals, order=before)
    speaker = workspace.people[entry.storefront.merchant_no].speaker(named.keys)
    named_id = speaker if speaker and _living(workspace, entry, speaker) == customer_id else None
    document = content_document(seen.content)
    digest = hashlib.blake2b(document, digest_size=16).digest()
    owned = orders.belonging(before, customer_id, named=named_id)
    if _is_erased(workspace, entry, customer_id):
        owned, seen = wordless_order(owned), wordless_version(seen)
    after = orders.see(owned, seen, version=entry.version, content_hash=digest)
    if before.return_window_days is None:
        after = replace(after, return_window_days=entry.storefront.return_window_days)
    if after.version != before.version:
        after = pin_rate(workspace, entry, before, after)
        workspace.contents[after.order_id] = StoredContent(seen.content, document)
        tell_product.tell_products(workspace, entry, seen.content)
    return _settle(workspace, entry, before, after)


def _order(workspace: Workspace, entry: Entry, external_id: str) -> Order:
    order_id = entry.storefront.order_id(external_id)
    found = workspace.orders.get(order_id)
    if found is None:
        return Order(order_id=order_id, external_id=external_id)
    if found.customer_id is None:
        return found
    # An earlier entry of the batch may have ended this customer's life: nothing may be told under that id any more.
    return orders.belonging(found, _living(workspace, entry, found.customer_id))


def _living(workspace: Workspace, entry: Entry, customer_id: UUID) -> UUID:
    return workspace.people[entry.storefront.merchant_no].resolve(customer_id)


def _meet(workspace: Workspace, entry: Entry, named: Named, seals: Seals, *, order: Order | None = None) -> UUID:
    people = workspace.people[entry.storefront.merchant_no]
    sighting = Sighting(
        keys=named.keys,
        hashed=named.hashed,
        said=named.said,
        at=entry.change.content.placed_at if isinstance(entry.change, OrderSeen) else entry.at,
        order_external_id=order.external_id if order else None,
        known_as=order.customer_id if order else None,
    )
    customer_id, news = people.meet(sighting, entry.storefront)
    workspace.concerns(entry.cause.id, customer_id)
    for each in news:
        tell_person.tell(workspace, entry, each, seals)
    for consent in () if _is_erased(workspace, entry, customer_id) else named.consents:
        tell_person.tell_consent(workspace, entry, customer_id, consent)
    return customer_id


def _is_erased(workspace: Workspace, entry: Entry, customer_id: UUID) -> bool:
    return workspace.people[entry.storefront.merchant_no].customers[customer_id].erased_at is not None


def _settle(workspace: Workspace, entry: Entry, before: Order, after: Order) -> str:
    """The order is as `after` says, and what was not told yet is said."""
    if after == before:
        return NO_NEWS
    settled, news = orders.tell(before, after)
    workspace.orders[settled.order_id] = settled
    workspace.order_stores[settled.order_id] = entry.storefront
    workspace.touched_orders.add(settled.order_id)
    if settled.window_ends_at != before.window_ends_at:
        workspace.windows[settled.order_id] = settled.window_ends_at
    facts = tell_order.tell(workspace, entry, settled, news)
    if facts or settled.version != before.version or settled.refunds is not before.refunds:
        workspace.history.append(_history(entry, settled, facts))
    return APPLIED


def _history(entry: Entry, order: Order, facts: Sequence[str]) -> HistoryEntry:
    return HistoryEntry(
        order_id=order.order_id,
        merchant_no=entry.storefront.merchant_no,
        cause_id=entry.cause.id,
        source=entry.source,
        version_us=order.version.updated_us if order.version else None,
        facts=tuple(facts),
        total_minor=order.total_minor,
        refunded_minor=refunds.amount_minor(order.refunds),
        financial_status=order.financial_status,
    )
