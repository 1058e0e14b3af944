"""One change on its way into the books: what was said, about which store, and what caused it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from libs.contracts.envelope import Cause
from services.order_ingest.domain.changes import Change, Version
from services.order_ingest.domain.customer import Key
from services.order_ingest.domain.persons import Consent
from services.order_ingest.domain.statements import Statement
from services.order_ingest.domain.storefront import Storefront


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A person with addresses normalised and hashed: by which keys they are found and what they said of themselves.

    `hashed` has the form in which a platform's id among the keys is remembered once its person was erased.
    """

    keys: tuple[Key, ...]
    said: Mapping[str, Statement]
    consents: tuple[Consent, ...] = ()
    hashed: Mapping[Key, Key] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A change ready for the fold; `source` says in history which topic or import told it.

    `named` is whom the change is about, `recipient` who gets what that person pays for.
    """

    change: Change
    storefront: Storefront
    cause: Cause
    version: Version
    source: str
    at: datetime
    named: Named | None = None
    recipient: Named | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys by which the change names people, erased ones too."""
        people = [named for named in (self.named, self.recipient) if named is not None]
        return tuple(key for named in people for key in (*named.keys, *named.hashed.values()))
