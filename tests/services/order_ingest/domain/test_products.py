"""Products: what they say of themselves stands, what order lines say of them fills the time until then."""

import hashlib
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import ProductUpsertedV1
from services.order_ingest.domain.canonical import EXAMPLE_PRODUCT
from services.order_ingest.domain.catalogue import ProductWords
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.product import digest
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import Desk, Sent, storefront

_OUR_SHOP = storefront("standard")


def _ours(**changes: Any) -> Sent:
    content = {**EXAMPLE_PRODUCT, "id": "632910392", **changes}
    event = {"type": "product.updated", "timestamp": "2026-05-01T08:00:00Z", "data": content}
    return Sent("product.updated", event, store=_OUR_SHOP)


def _shopify(**changes: Any) -> Sent:
    body = {
        "id": 632910392,
        "title": "Mug, the large one",
        "vendor": "Acme",
        "product_type": "Mugs",
        "updated_at": "2026-05-01T04:00:00-04:00",
        "variants": [{"id": 1, "price": "24.99"}, {"id": 2, "price": "19.99"}],
        **changes,
    }
    return Sent("products/update", body)


def _told(desk: Desk) -> list[ProductUpsertedV1]:
    return [fact for fact in desk.facts if isinstance(fact, ProductUpsertedV1)]


def test_our_format_tells_all_that_a_product_may_say() -> None:
    desk = Desk()

    desk.apply(_ours(daily_use="0.020"))

    [told] = _told(desk)
    assert (told.title, told.category_path, told.care_tips) == ("Mug", ("Kitchen", "Mugs"), ("Dishwasher safe",))
    assert (told.daily_use, told.price_minor, told.currency) == (Decimal("0.02"), 1999, "USD")
    assert (told.product_id, told.version) == (_OUR_SHOP.product_id("632910392"), 1_777_622_400_000_000)


def test_shopify_tells_the_cheapest_variants_price() -> None:
    desk = Desk()

    desk.apply(_shopify(), _shopify(), _shopify(id=2, variants=[], product_type=""))

    first, second = _told(desk)
    assert (first.brand, first.category_path, first.price_minor, first.currency) == ("Acme", ("Mugs",), 1999, "USD")
    assert (second.category_path, second.price_minor) == ((), None)


@pytest.mark.parametrize("sent", list(permutations(["line", "product", "renamed line", "older product"])))
def test_what_a_product_says_of_itself_stands_whatever_lines_say_and_when(sent: tuple[str, ...]) -> None:
    deliveries = {
        "line": Sent("orders/create", bodies.order()),
        "renamed line": Sent(
            "orders/create",
            bodies.order(id=2, updated_at="2026-06-01T00:00:00Z", line_items=[bodies.line(title="Cup")]),
        ),
        "product": _shopify(),
        "older product": _shopify(title="Mug, an old name", updated_at="2026-04-01T00:00:00Z"),
    }
    desk = Desk()

    desk.apply(*(deliveries[name] for name in sent))

    assert _told(desk)[-1].title == "Mug, the large one"
    [product] = desk.workspace.products.values()
    assert product.words is not None
    assert product.words.title == "Mug, the large one"


def test_the_same_description_at_a_later_time_is_no_news() -> None:
    desk = Desk()

    outcomes = desk.apply(_ours(daily_use="0.5"), _ours(updated_at="2026-05-02T08:00:00Z", daily_use=0.50))

    assert (outcomes, len(_told(desk))) == (["applied", "no_news"], 1)


def test_what_lines_say_keeps_the_digest_that_it_always_had() -> None:
    words = ProductWords(title="Mug", brand="Acme", category_path=("Kitchen", "Mugs"), category_type="durable", units=1)

    always = hashlib.blake2b(b"Mug\x1fAcme\x1fKitchen\x1eMugs\x1f\x1fdurable\x1f1", digest_size=8).digest()

    assert digest(words) == always


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"title": ""}, "/data/title"),
        ({"updated_at": None}, "/data/updated_at"),
        ({"category_type": "odd"}, "/data/category_type"),
        ({"currency": "XXY"}, "/data/currency"),
        ({"daily_use": "a lot"}, "/data/daily_use"),
        ({"price_minor": -1}, "/data/price_minor"),
    ],
)
def test_a_complaint_says_where(changes: dict[str, Any], place: str) -> None:
    desk = Desk()

    with pytest.raises(Malformed) as caught:
        desk.apply(_ours(**changes))

    assert str(caught.value).startswith(place)
