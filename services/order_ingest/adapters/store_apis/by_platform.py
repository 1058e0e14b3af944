"""What can be asked of stores and told to them, by platform."""

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from services.order_ingest.adapters.store_apis.amazon import AmazonApi
from services.order_ingest.adapters.store_apis.bigcommerce import BigcommerceApi
from services.order_ingest.adapters.store_apis.bigcommerce_consents import BigcommerceConsents
from services.order_ingest.adapters.store_apis.bigcommerce_hooks import BigcommerceHooks
from services.order_ingest.adapters.store_apis.magento import MagentoApi
from services.order_ingest.adapters.store_apis.shopify import ShopifyApi
from services.order_ingest.adapters.store_apis.shopify_codes import ShopifyCodes
from services.order_ingest.adapters.store_apis.shopify_consents import ShopifyConsents
from services.order_ingest.adapters.store_apis.shopify_hooks import ShopifyHooks
from services.order_ingest.adapters.store_apis.shoplazza import ShoplazzaApi
from services.order_ingest.adapters.store_apis.shoplazza_consents import ShoplazzaConsents
from services.order_ingest.adapters.store_apis.shoplazza_hooks import ShoplazzaHooks
from services.order_ingest.adapters.store_apis.taobao import TaobaoApi
from services.order_ingest.adapters.store_apis.woocommerce import WoocommerceApi
from services.order_ingest.adapters.store_apis.woocommerce_codes import WoocommerceCodes
from services.order_ingest.adapters.store_apis.woocommerce_hooks import WoocommerceHooks
from services.order_ingest.application.store_apis import CodeApi, ConsentApi, HookApi, StoreApi, SubscriptionApi


def store_apis(http: httpx.AsyncClient, now: Callable[[], datetime]) -> Mapping[str, StoreApi]:
    """How stores are asked for orders."""
    return {
        "shopify": ShopifyApi(http),
        "shoplazza": ShoplazzaApi(http),
        "woocommerce": WoocommerceApi(http),
        "magento": MagentoApi(http),
        "bigcommerce": BigcommerceApi(http),
        "amazon": AmazonApi(http, now),
        "taobao": TaobaoApi(http, now),
    }


def code_apis(http: httpx.AsyncClient, now: Callable[[], datetime]) -> Mapping[str, CodeApi]:
    """How discount codes are made at stores."""
    return {"shopify": ShopifyCodes(http), "woocommerce": WoocommerceCodes(http, now)}


def consent_apis(http: httpx.AsyncClient) -> Mapping[str, ConsentApi]:
    """How stores are told of withdrawals."""
    return {
        "shopify": ShopifyConsents(http),
        "shoplazza": ShoplazzaConsents(http),
        "bigcommerce": BigcommerceConsents(http),
    }


def subscription_apis(http: httpx.AsyncClient) -> Mapping[str, SubscriptionApi]:
    """How platforms are asked for the hooks that they have."""
    return {
        "shopify": ShopifyHooks(http),
        "shoplazza": ShoplazzaHooks(http),
        "woocommerce": WoocommerceHooks(http),
        "bigcommerce": BigcommerceHooks(http),
    }


def hook_apis(http: httpx.AsyncClient) -> Mapping[str, HookApi]:
    """How hooks that were deleted are made anew."""
    return {"shoplazza": ShoplazzaHooks(http)}
