"""What is asked of a store's own API: orders, codes to be made, withdrawals to be kept, its hooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from services.order_ingest.domain.coupon import Coupon

Document: TypeAlias = bytes
"""One order as JSON, with all that belongs to it: what the platform's words are read from under the topic PULLED."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a store's API is reached. `base_url` is without a slash at its end; `credentials` are the platform's own."""

    base_url: str
    account: str
    site: str
    credentials: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders, and where the next ones begin; no cursor: these were the last."""

    documents: Sequence[Document]
    next_cursor: str | None = None


class ApiError(Exception):
    """The store's API did not give what was asked for; the text names status and place, never a credential or body."""


class ApiAway(ApiError):
    """It may give it later: no answer, too busy, or broken. `after_seconds` is its own wish, if it had one."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class ApiRefuses(ApiError):
    """It will not give it until somebody changes something: credentials, rights, the address."""


class CodeTaken(ApiRefuses):
    """The store has a discount with this code already."""


class StoreApi(Protocol):
    """One platform's API. Every call is one page and lasts a few seconds at most; calls may be repeated.

    Raises: ApiAway, ApiRefuses.
    """

    async def changed_orders(self, access: Access, since: datetime, cursor: str | None) -> Page:
        """Orders changed at or after `since`, those that changed first first; `cursor` is the page before's."""
        ...

    async def order(self, access: Access, external_id: str) -> Document | None:
        """The order as it is now; None if the store has none of that id."""
        ...


class CodeApi(Protocol):
    """One platform's API for discount codes. A call lasts a few seconds at most; codes are never in an error's text.

    Raises: ApiAway (it may have happened, where a code was to be made), ApiRefuses.
    """

    async def own_code(self, access: Access, coupon: Coupon, code: str) -> str | None:
        """The store's name for the code that was made for this coupon; None: it has no such code of ours."""
        ...

    async def make_code(self, access: Access, coupon: Coupon, code: str) -> str:
        """The store's name for the code, which its checkout takes from now on, for one order.

        Raises:
            CodeTaken: nothing was made, since the code is there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscription:
    """The customer, by the store's own id, who wants no marketing on the channel since `at`."""

    external_id: str
    channel: str
    at: datetime


class ConsentApi(Protocol):
    """One platform's API for consent to marketing. Calls last a few seconds at most; calls may be repeated.

    Raises: ApiAway, ApiRefuses.
    """

    async def unsubscribe(self, access: Access, unsubscription: Unsubscription) -> None:
        """The store has the withdrawal on record; nothing where it has no such customer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One hook that a platform has: the platform's own name of what it tells, and where to.

    The address may hold a store's endpoint token: it is compared and never kept.
    """

    topic: str
    address: str = field(repr=False)
    active: bool


class SubscriptionApi(Protocol):
    """One platform's API for the hooks that it has. Calls last a few seconds at most; calls may be repeated.

    Raises: ApiAway, ApiRefuses.
    """

    async def subscriptions(self, access: Access) -> Sequence[Subscription]:
        """All hooks that the access is shown, other systems' too."""
        ...


class HookApi(SubscriptionApi, Protocol):
    """One platform's API for the hooks that it has, and for new ones. `subscribe` may be repeated after a look only.

    Raises: ApiAway (it may have happened, where a hook was to be made), ApiRefuses.
    """

    async def subscribe(self, access: Access, *, topic: str, address: str) -> None:
        """The platform sends the topic to the address from now on."""
        ...
