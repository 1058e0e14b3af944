"""How the API of each platform's stores is reached, and with which secrets."""

from collections.abc import Callable
from dataclasses import dataclass

from services.order_ingest.domain.platforms.amazon_marketplaces import region_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAddress:
    """What of a store says where its API is."""

    account: str
    site: str
    domain: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessForm:
    """The names of a platform's secrets, its own address for a store, and where below that the API begins.

    An `origin` of None: the store has not said where it is.
    """

    secrets: tuple[str, ...]
    origin: Callable[[StoreAddress], str | None]
    path: Callable[[StoreAddress], str] = lambda store: ""

    def base_url(self, store: StoreAddress, origin: str | None) -> str | None:
        """The API's address without a slash at its end; `origin` replaces the platform's own."""
        found = origin or self.origin(store)
        return f"{found.rstrip('/')}{self.path(store)}" if found else None


def own_domain(store: StoreAddress) -> str | None:
    """A shop's API lives on the shop's domain."""
    return f"https://{store.domain}" if store.domain else None


def amazon_origin(store: StoreAddress) -> str:
    """The endpoint of the selling region to which the site belongs."""
    return f"https://sellingpartnerapi-{region_of(store.site)}.amazon.com"
