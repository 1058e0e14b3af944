"""Which shops can be told that a customer wants no more marketing, and on which channels.

Left out: WooCommerce has no such field of its own; Magento's is changed only by sending back all of the customer, which
would undo what somebody changes meanwhile; buyers of Amazon and Taobao are written to through the platform alone.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TOPIC: Final = "marketing"
_CHANNELS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "shopify": frozenset({"email", "sms"}),
        "shoplazza": frozenset({"email", "sms"}),
        "bigcommerce": frozenset({"email"}),
    }
)


def can_be_told(platform: str, channel: str) -> bool:
    """Whether the platform's API records withdrawals from marketing on the channel."""
    return channel in _CHANNELS.get(platform, ())
