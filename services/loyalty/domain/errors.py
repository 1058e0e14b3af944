"""What the ledger refuses.

LedgerError
|-- InsufficientPoints     fewer usable points than asked for
|-- DebtBlocks             the programme lets nobody spend while a debt stands
|-- HoldNotOpen            the hold was captured, released, has ended, or never was
|-- HoldTooLong            a hold may not reserve points for longer than a checkout lasts
|-- ReturnTooLarge         more points would come back than the entry spent
|-- ImpossibleOrder        amounts or rates that no order has
|-- KeyReused              the idempotency key stands for another request
`-- BookIncomplete         the command needs lots that were not loaded: a fault of ours
"""


class LedgerError(Exception):
    """Root of everything that the ledger refuses."""


class InsufficientPoints(LedgerError):
    """Fewer usable points than asked for."""

    def __init__(self, *, asked: int, usable: int) -> None:
        super().__init__(f"{asked} points asked for, {usable} usable")
        self.asked = asked
        self.usable = usable


class DebtBlocks(LedgerError):
    """The programme lets nobody spend while a debt stands."""


class HoldNotOpen(LedgerError):
    """The hold was captured, released, has ended, or never was."""


class HoldTooLong(LedgerError):
    """A hold may not reserve points for longer than a checkout lasts."""


class ReturnTooLarge(LedgerError):
    """More points would come back than the entry spent."""


class ImpossibleOrder(LedgerError):
    """Amounts or rates that no order has."""


class KeyReused(LedgerError):
    """The idempotency key stands for another request."""


class BookIncomplete(LedgerError):
    """The command needs lots that were not loaded."""
