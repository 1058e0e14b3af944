"""Says which products are described anew: by their own deliveries, or by an order's lines."""

from libs.contracts.commerce import ProductUpsertedV1
from services.order_ingest.application.entries import Entry
from services.order_ingest.application.workspace import Workspace
from services.order_ingest.domain.catalogue import ProductSeen, ProductWords
from services.order_ingest.domain.changes import OrderContent
from services.order_ingest.domain.product import BY_ITSELF, BY_LINE, Product, digest, is_news, words_of


def tell_products(workspace: Workspace, entry: Entry, content: OrderContent) -> None:
    """Products that the lines describe for the first time, or otherwise than known, are kept and said."""
    for line in content.lines:
        if line.product_id is not None and not line.gift_card:
            _describe(workspace, entry, line.product_id, words_of(line), content.currency, BY_LINE)


def tell_product(workspace: Workspace, entry: Entry, seen: ProductSeen) -> None:
    """The product is kept and said, if that is news."""
    _describe(workspace, entry, seen.external_id, seen.words, seen.currency, BY_ITSELF)


def _describe(
    workspace: Workspace, entry: Entry, external_id: str, words: ProductWords, currency: str, described_by: int
) -> None:
    product_id = entry.storefront.product_id(external_id)
    known, version_us, told = workspace.products.get(product_id), entry.version.updated_us, digest(words)
    if not is_news(known, version_us=version_us, digest=told, described_by=described_by):
        return
    workspace.products[product_id] = product = Product(
        product_id=product_id,
        external_id=external_id,
        version_us=version_us,
        digest=told,
        described_by=described_by,
        words=words,
    )
    workspace.touched_products[product_id] = entry.storefront
    if known is not None and known.digest == told and known.described_by == described_by:
        return  # the same words at a later time: what is older than these must not come back
    workspace.tell(_fact(entry, product, words, currency), entry.storefront, entry.at, entry.cause)


def _fact(entry: Entry, product: Product, words: ProductWords, currency: str) -> ProductUpsertedV1:
    return ProductUpsertedV1(
        product_id=product.product_id,
        store_id=entry.storefront.store_id,
        external_product_id=product.external_id,
        title=words.title,
        brand=words.brand,
        category_path=words.category_path,
        material=words.material,
        category_type=words.category_type,
        units=words.units,
        daily_use=words.daily_use,
        care_tips=words.care_tips,
        price_minor=words.price_minor,
        currency=currency,
        version=product.version_us,
        at=entry.at,
    )
