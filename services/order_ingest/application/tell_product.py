"""Says which products an order's lines describe anew."""

from libs.contracts.commerce import ProductUpsertedV1
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.changes import Line, OrderContent
from services.order_ingest.domain.product import Product, digest, is_news


def tell_products(workspace: Workspace, entry: Entry, content: OrderContent) -> None:
    """Products that the lines describe for the first time, or otherwise than known, are kept and said."""
    for line in content.lines:
        if line.product_id is None or line.gift_card:
            continue
        product_id = entry.storefront.product_id(line.product_id)
        words, version_us = digest(line), entry.version.updated_us
        if not is_news(workspace.products.get(product_id), version_us=version_us, digest=words):
            continue
        workspace.products[product_id] = Product(
            product_id=product_id, external_id=line.product_id, version_us=version_us, digest=words, line=line
        )
        workspace.touched_products[product_id] = entry.storefront
        fact = _fact(entry, line, content.currency, workspace.products[product_id])
        workspace.tell(fact, entry.storefront, entry.at, entry.cause)


def _fact(entry: Entry, line: Line, currency: str, product: Product) -> ProductUpsertedV1:
    return ProductUpsertedV1(
        product_id=product.product_id,
        store_id=entry.storefront.store_id,
        external_product_id=product.external_id,
        title=line.title,
        brand=line.brand,
        category_path=line.category_path,
        material=line.material,
        category_type=line.category_type,
        units=line.units,
        currency=currency,
        version=product.version_us,
        at=entry.at,
    )
