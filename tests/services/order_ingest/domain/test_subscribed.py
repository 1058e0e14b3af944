"""Of the hooks that a platform has, those that lead to one store's address are told from all others."""

import pytest

from services.order_ingest.domain.platform_table import PLATFORMS
from services.order_ingest.domain.subscribed import hook_path, leads_to, lists_hooks

_PATH = hook_path("woocommerce", "3jT0-k_9w")


@pytest.mark.parametrize(
    ("address", "is_ours"),
    [
        ("https://hooks.acme.example/v1/hooks/woocommerce/3jT0-k_9w", True),
        ("http://127.0.0.1:8001/v1/hooks/woocommerce/3jT0-k_9w", True),
        ("https://acme.example/behind/a/proxy/v1/hooks/woocommerce/3jT0-k_9w", True),
        ("https://acme.example/v1/hooks/woocommerce/3jT0-k_9w?from=shop#there", True),
        ("https://acme.example/v1/hooks/woocommerce/3jT0-k_9W", False),
        ("https://acme.example/v1/hooks/woocommerce/x3jT0-k_9w", False),
        ("https://acme.example/v1/hooks/woocommerce/3jT0-k_9w/more", False),
        ("https://acme.example/v1/hooks/shopify/3jT0-k_9w", False),
        ("https://acme.example/?to=/v1/hooks/woocommerce/3jT0-k_9w", False),
        ("pubsub://project:topic", False),
        ("https://[acme/v1/hooks/woocommerce/3jT0-k_9w", False),
        ("", False),
    ],
)
def test_an_address_is_ours_by_its_path(address: str, is_ours: bool) -> None:
    assert leads_to(address, _PATH) is is_ours


def test_platforms_that_call_nobody_or_through_a_bridge_list_no_hooks() -> None:
    assert sorted(name for name in PLATFORMS if not lists_hooks(name)) == ["amazon", "magento", "standard", "taobao"]
