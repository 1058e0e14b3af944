"""Loads what a batch needs and stores what it decided, in a constant number of statements each."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.commerce import CustomerDataRequestedV1, CustomerMergedV1, CustomerUnmergedV1, OrderPaidV1
from libs.contracts.envelope import Event
from libs.contracts.loyalty import PointsEarnedV1
from libs.eventbus.transaction import Transaction
from libs.servicekit.clock import Clock
from libs.servicekit.data_export import notes_of
from libs.servicekit.effects import Effect, request_effects
from libs.servicekit.sealing import Sealer, Vault
from libs.servicekit.timers import Due, schedule
from services.messaging.adapters import consent_rows, contact_rows, intent_rows, merchant_rows, suppression_rows
from services.messaging.application.ports import Unit
from services.messaging.application.workspace import Key, Workspace
from services.messaging.domain.contact import Details
from services.messaging.domain.intents import WAIT, intent_id

EFFECT_KIND = "email"
WAIT_KIND = "intent_wait"


class PostgresWorkspaces:
    """Workspaces of this service's database.

    Lock order: merchants only read; contacts (sorted), then consents, intents, suppressions of those contacts, then
    due rows and effects.
    """

    def __init__(self, *, sealer: Sealer, vault: Vault, clock: Clock) -> None:
        self._sealer = sealer
        self._vault = vault
        self._clock = clock

    async def load(self, transaction: Transaction, events: Sequence[Event[Any]]) -> Workspace:
        """Every row that the events may touch, customers locked.

        Raises: SealBroken when contact details cannot be opened.
        """
        connection, now = transaction.connection, self._clock.now()
        merchants = await merchant_rows.ensure_merchants(connection, {event.merchant_id for event in events}, now)
        numbers = {merchant_id: merchant.merchant_no for merchant_id, merchant in merchants.items()}
        workspace = Workspace(now=now, merchants=merchants, opened=self._open(events))
        await self._load_customers(connection, workspace, _customers(events, numbers))
        workspace.log = await consent_rows.load_log(connection, _parted(workspace, events, numbers))
        await _load_intents(connection, workspace, events, numbers)
        workspace.remember()
        return workspace

    async def load_customer(self, unit: Unit, merchant_id: UUID, customer_id: UUID) -> Workspace | None:
        """The same for one known customer of the transaction's merchant, locked; None: never heard of."""
        connection: AsyncConnection = unit.connection
        if not await contact_rows.is_known(connection, unit.tenant, customer_id):
            return None
        merchants = await merchant_rows.find_merchants(connection, [merchant_id])
        workspace = Workspace(now=self._clock.now(), merchants=merchants)
        await self._load_customers(connection, workspace, {(unit.tenant, customer_id)})
        workspace.remember()
        return workspace

    async def store_customer(self, unit: Unit, workspace: Workspace) -> None:
        """What was changed is written, what was said is told."""
        await self.store(unit, workspace)
        for said in workspace.said:
            unit.say(said)

    async def store(self, transaction: Transaction, workspace: Workspace) -> None:
        """What was changed is written; what was planned and waits for nothing is given to the sender."""
        connection = transaction.connection
        loaded = workspace.loaded
        merchant_ids = {merchant.merchant_no: merchant_id for merchant_id, merchant in workspace.merchants.items()}
        named = [found for key, found in workspace.merchants.items() if found != loaded.merchants.get(key)]
        await merchant_rows.name_merchants(connection, named)
        changed = [found for key, found in workspace.contacts.items() if found != loaded.contacts.get(key)]
        await contact_rows.change_contacts(connection, changed, merchant_ids, self._vault)
        await consent_rows.put_consents(
            connection, {key: found for key, found in workspace.consents.items() if found != loaded.consents.get(key)}
        )
        await consent_rows.log_statements(connection, workspace.logged, workspace.now)
        await consent_rows.forget_statements(connection, workspace.erased)
        await suppression_rows.suppress(connection, workspace.suppressed)
        await suppression_rows.lift(connection, workspace.lifted)
        await _store_intents(connection, workspace)
        numbers = {merchant_id: merchant.merchant_no for merchant_id, merchant in workspace.merchants.items()}
        await schedule(connection, notes_of(workspace.data_requests, numbers, workspace.now))

    async def _load_customers(self, connection: AsyncConnection, workspace: Workspace, keys: Iterable[Key]) -> None:
        workspace.contacts = await contact_rows.lock_contacts(connection, set(keys), self._vault)
        workspace.consents = await consent_rows.load_consents(connection, workspace.contacts)

    def _open(self, events: Sequence[Event[Any]]) -> dict[str, Details]:
        tokens = {token for event in events if (token := getattr(event.fact, "contact_sealed", None))}
        opened = ((token, self._sealer.open(token)) for token in tokens)
        return {
            token: Details(
                email=plain.get("email"),
                phone=plain.get("phone"),
                given_name=plain.get("given_name"),
                family_name=plain.get("family_name"),
            )
            for token, plain in opened
        }


def _customers(events: Sequence[Event[Any]], numbers: dict[UUID, int]) -> set[Key]:
    """The customers whom the events concern; a payment only lets others go on, so it needs none.

    Who asks for what is kept is looked for later: asking must not make somebody known.
    """
    found: set[Key] = set()
    for event in events:
        fact, merchant_no = event.fact, numbers[event.merchant_id]
        if hasattr(fact, "customer_id") and _touches_customer(event):
            found.add((merchant_no, fact.customer_id))
        if isinstance(fact, CustomerMergedV1):
            found.add((merchant_no, fact.into_customer_id))
        if isinstance(fact, CustomerUnmergedV1):
            found |= {(merchant_no, fact.restored_customer_id), (merchant_no, fact.survivor_customer_id)}
    return found


def _parted(workspace: Workspace, events: Sequence[Event[Any]], numbers: dict[UUID, int]) -> set[Key]:
    """Those whom the batch parts, and who they are as one: consents may stand with any of them."""
    found: set[Key] = set()
    for event in events:
        if isinstance(event.fact, CustomerUnmergedV1):
            merchant_no = numbers[event.merchant_id]
            for id_ in (event.fact.restored_customer_id, event.fact.survivor_customer_id):
                found |= {(merchant_no, id_), (merchant_no, workspace.contact(merchant_no, id_).customer_id)}
    return found


def _touches_customer(event: Event[Any]) -> bool:
    if isinstance(event.fact, CustomerDataRequestedV1):
        return False
    # A live payment locks the customer as the points that it earned do: of an intent that looks for the payment and
    # a payment that looks for the intent, one must see the other.
    return event.origin == "live" or not isinstance(event.fact, OrderPaidV1 | PointsEarnedV1)


async def _load_intents(
    connection: AsyncConnection, workspace: Workspace, events: Sequence[Event[Any]], numbers: dict[UUID, int]
) -> None:
    earned = [event for event in events if isinstance(event.fact, PointsEarnedV1) and event.origin == "live"]
    paid = [event for event in events if isinstance(event.fact, OrderPaidV1) and event.origin == "live"]
    if earned:
        intents = {(numbers[event.merchant_id], intent_id(event.id, event.fact.customer_id)) for event in earned}
        workspace.known_intents = await intent_rows.known_intents(connection, intents)
        orders = {(numbers[e.merchant_id], e.fact.cause.order_id) for e in earned if e.fact.cause.order_id is not None}
        workspace.heard_orders = await intent_rows.heard_orders(connection, orders)
    if paid:
        orders = {(numbers[event.merchant_id], event.fact.order_id) for event in paid}
        workspace.waiting = await intent_rows.waiting_intents(connection, orders)


async def _store_intents(connection: AsyncConnection, workspace: Workspace) -> None:
    new = {(intent.merchant_no, intent.intent_id) for intent in workspace.planned}
    await intent_rows.move_intents(connection, workspace.merged)
    await intent_rows.plan_intents(connection, workspace.plans())
    await intent_rows.hear_orders(connection, workspace.heard_orders - workspace.loaded.heard_orders, workspace.now)
    released = await intent_rows.release_intents(connection, workspace.released - new)
    await schedule(
        connection,
        [Due(no, WAIT_KIND, str(found), workspace.now + WAIT) for no, found in new - workspace.released],
    )
    await send(connection, (new & workspace.released) | released, workspace)


async def send(connection: AsyncConnection, keys: Iterable[Key], workspace: Workspace) -> None:
    """The sender will take up these intents; each once for ever."""
    effects = [Effect(no, found, EFFECT_KIND, str(found)) for no, found in keys]
    await request_effects(connection, effects, workspace.now)
