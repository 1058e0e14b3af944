"""What the use cases refuse.

LoyaltyError
|-- UnknownMember         no such member here
|-- UnknownProgramme      no such programme, or no such version of it
|-- VersionNotDraft       only drafts may change
|-- DraftChanged          the draft is not the one that the caller saw
`-- NotLoaded             a reaction asked for something that nobody loaded: a fault of ours
"""


class LoyaltyError(Exception):
    """Root of what the use cases refuse; the ledger's refusals are in domain.errors."""


class UnknownMember(LoyaltyError):
    """No such member here."""


class UnknownProgramme(LoyaltyError):
    """No such programme, or no such version of it."""


class VersionNotDraft(LoyaltyError):
    """Only drafts may change."""


class DraftChanged(LoyaltyError):
    """The draft is not the one that the caller saw."""


class NotLoaded(LoyaltyError):
    """A reaction asked for something that nobody loaded."""
