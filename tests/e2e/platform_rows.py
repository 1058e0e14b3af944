"""The rows of all platforms in the proof that each works."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from tests.e2e.rows import Row
from tests.e2e.rows_of_asked import amazon, bigcommerce, magento, taobao
from tests.e2e.rows_of_hooks import shopify, shoplazza, standard, woocommerce

ROWS: Final[Mapping[str, Callable[[datetime], Row]]] = {
    "shopify": shopify,
    "shoplazza": shoplazza,
    "amazon": amazon,
    "taobao": taobao,
    "magento": magento,
    "woocommerce": woocommerce,
    "standard": standard,
    "bigcommerce": bigcommerce,
}
"""How the row of each platform is made at an instant; orders that must be young are."""
