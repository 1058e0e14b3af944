"""Which platforms say what hooks they have for a store, and which of those hooks lead here.

Left out: Magento has no hooks; Amazon's and Taobao's messages come through a bridge of the merchant's; `standard` is
the merchant's own system.
"""

from typing import Final
from urllib.parse import urlsplit

_LISTING: Final = frozenset({"bigcommerce", "shopify", "shoplazza", "woocommerce"})
# WooCommerce and BigCommerce switch a failing hook off and keep it. Shopify's may be the app's own, made in its
# configuration, where another one would be a second.
_RESTORED: Final = frozenset({"shoplazza"})


def lists_hooks(platform: str) -> bool:
    """Whether the platform's API says which hooks it has."""
    return platform in _LISTING


def restores_hooks(platform: str) -> bool:
    """Whether a hook that the platform deleted is made anew."""
    return platform in _RESTORED


def hook_path(platform: str, endpoint_token: str) -> str:
    """Where the store's hook is, below whatever name the service has."""
    return f"/v1/hooks/{platform}/{endpoint_token}"


def hook_url(public_url: str, path: str) -> str:
    """The address of the store's hook under the name that the service has outside."""
    return f"{public_url.rstrip('/')}{path}"


def leads_to(address: str, path: str) -> bool:
    """Whether the address is that path's, under any name and behind any prefix: the token in it is nobody else's."""
    try:
        return urlsplit(address).path.endswith(path)
    except ValueError:
        return False
