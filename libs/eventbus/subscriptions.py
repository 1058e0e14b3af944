"""How a service reacts: fact class -> pure reaction, folded over a batch between one load and one store."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from libs.contracts.envelope import Event, Said
from libs.contracts.fact import Fact
from libs.eventbus.transaction import Transaction

AnyEvent: TypeAlias = Event[Any]
"""An event of a fact class that the reaction alone knows."""


class Saying(Protocol):
    """A workspace collects what the reactions want to tell."""

    @property
    def said(self) -> list[Said]: ...


W = TypeVar("W", bound=Saying)
Reaction: TypeAlias = Callable[[W, AnyEvent], None]
"""Pure and synchronous. An exception means that the event can never be applied as it is."""

Subscriptions: TypeAlias = Mapping[type[Fact], Reaction[W]]
Handler: TypeAlias = Callable[[Transaction, Sequence[AnyEvent]], Awaitable[None]]
"""Applies a batch in the transaction; events of one key are in order."""


class Workspaces(Protocol[W]):
    """Loads what a batch may need and stores what it decided, each with a constant number of statements."""

    async def load(self, transaction: Transaction, events: Sequence[AnyEvent]) -> W:
        """Every row that the events may touch, locked in the service's table order, keys sorted."""

    async def store(self, transaction: Transaction, workspace: W) -> None:
        """The workspace's changes are written; raises if a row changed since it was loaded."""


def fold(workspaces: Workspaces[W], subscriptions: Subscriptions[W]) -> Handler:
    """A handler that loads once, reacts event by event in order, stores once and tells what was said."""

    async def handle(transaction: Transaction, events: Sequence[AnyEvent]) -> None:
        wanted = [event for event in events if type(event.fact) in subscriptions]
        if not wanted:
            return
        workspace = await workspaces.load(transaction, wanted)
        for event in wanted:
            subscriptions[type(event.fact)](workspace, event)
        await workspaces.store(transaction, workspace)
        for said in workspace.said:
            transaction.say(said)

    return handle
