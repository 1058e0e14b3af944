"""Products as WooCommerce and Shoplazza tell them: words, price, what is left alone, what is refused."""

from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import ProductUpsertedV1
from libs.contracts.fact import Fact
from services.order_ingest.domain.catalogue import ProductWords
from services.order_ingest.domain.errors import Malformed
from tests.services.order_ingest import bodies_shoplazza, bodies_woocommerce
from tests.services.order_ingest.bodies_woocommerce import without
from tests.services.order_ingest.desk import Desk, Sent, storefront

_WOO = storefront("woocommerce")
_SHOPLAZZA = storefront("shoplazza")
_MUG = "0510dace-34da-4555-a896-495e0cb1ed6e"


def _woo(topic: str = "product.updated", **changes: Any) -> Sent:
    return Sent(topic, bodies_woocommerce.product(**changes), store=_WOO)


def _shoplazza(topic: str = "products/update", **changes: Any) -> Sent:
    return Sent(topic, bodies_shoplazza.product(**changes), store=_SHOPLAZZA)


def _told(*sent: Sent) -> list[ProductUpsertedV1]:
    desk = Desk()
    desk.apply(*sent)
    return _products(desk.facts)


def _products(facts: list[Fact]) -> list[ProductUpsertedV1]:
    return [fact for fact in facts if isinstance(fact, ProductUpsertedV1)]


@pytest.mark.parametrize("topic", ["product.created", "product.updated", "product.restored"])
def test_woocommerce_tells_name_brand_categories_and_price(topic: str) -> None:
    [told] = _told(_woo(topic))

    assert (told.title, told.brand) == ("Mug & Spoon \u2013 Blue", "Acme & Sons")
    assert told.category_path == ("Kitchen & Table", "Mugs")
    assert (told.price_minor, told.currency) == (900, "USD")
    assert (told.product_id, told.version) == (_WOO.product_id("93"), 1_777_622_400_000_000)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ring <925 silver>", "Ring <925 silver>"),
        ("I <3 mugs", "I <3 mugs"),
        ("&lt;b&gt; the letter", "<b> the letter"),
        ("Tea<br />time <span class='x'>now</span>", "Teatime now"),
        ("<b></b>", "-"),
        ("  Mug  ", "Mug"),
    ],
)
def test_woocommerce_names_lose_their_tags_and_nothing_else(written: str, read: str) -> None:
    order = bodies_woocommerce.order(line_items=[bodies_woocommerce.line(name=written, product_id=5)])

    [by_itself, by_line] = _told(_woo(name=written), Sent("order.created", order, store=_WOO))

    assert (by_itself.title, by_line.title) == (read, read)


@pytest.mark.parametrize(
    ("changes", "price_minor"),
    [
        ({"price": ""}, None),
        ({"price": None}, None),
        ({"price": "0"}, 0),
        ({"price": "12.345"}, 1234),
        # What a variable product costs is the least that one of its variations does; its own price fields are empty.
        ({"type": "variable", "price": "7.50", "regular_price": "", "variations": [94, 95]}, 750),
        ({"type": "variable", "price": "", "variations": []}, None),
    ],
)
def test_woocommerce_tells_the_price_or_none(changes: dict[str, Any], price_minor: int | None) -> None:
    [told] = _told(_woo(**changes))

    assert told.price_minor == price_minor


def test_a_price_has_the_minor_units_of_the_shops_currency() -> None:
    yen, dinar = storefront("woocommerce", currency="JPY"), storefront("woocommerce", currency="KWD")

    [one] = _told(Sent("product.updated", bodies_woocommerce.product(price="1200"), store=yen))
    [other] = _told(Sent("product.updated", bodies_woocommerce.product(price="1.2505"), store=dinar))

    assert (one.price_minor, one.currency, other.price_minor, other.currency) == (1200, "JPY", 1250, "KWD")


@pytest.mark.parametrize(
    ("categories", "path"),
    [
        ([], ()),
        ([{"id": 15, "name": "Ohne Kategorie", "slug": "uncategorized"}], ()),
        ([{"id": 1, "name": "Mugs", "slug": "mugs"}, {"id": 2, "name": "Mugs", "slug": "mugs-2"}], ("Mugs",)),
        ([{"id": 1, "name": "", "slug": "x"}, {"id": 2, "name": "Cups"}], ("Cups",)),
    ],
)
def test_woocommerce_categories_are_the_names_that_say_something(
    categories: list[dict[str, Any]], path: tuple[str, ...]
) -> None:
    [told] = _told(_woo(categories=categories))

    assert told.category_path == path


def test_woocommerce_before_brands_and_without_a_date_of_change_is_read_too() -> None:
    old = without(bodies_woocommerce.product(), "brands", "date_modified", "date_modified_gmt", "date_created_gmt")

    [told] = _told(Sent("product.created", old, store=_WOO))

    # 04:00 by the clock of New York, in winter.
    assert (told.brand, told.at.isoformat()) == (None, "2026-03-01T09:00:00+00:00")


@pytest.mark.parametrize(
    "sent",
    [
        _woo(type="variation", parent_id=93, id=94),
        _woo(type="subscription_variation", parent_id=93, id=94),
        _woo(status="auto-draft", name="AUTO-DRAFT"),
        _woo(status="importing", name="Import placeholder for 17"),
        _woo(status="trash"),
        Sent("product.deleted", {"id": 93}, store=_WOO),
        Sent("products/delete", {"product": {"id": _MUG}}, store=_SHOPLAZZA),
        Sent("products/delete", {"id": _MUG}, store=_SHOPLAZZA),
    ],
)
def test_what_is_no_product_on_sale_is_left_alone_and_says_so(sent: Sent) -> None:
    desk = Desk()

    outcomes = desk.apply(sent)

    assert (outcomes, desk.facts, desk.workspace.products) == (["ignored"], [], {})


@pytest.mark.parametrize("topic", ["products/create", "products/update"])
def test_shoplazza_tells_the_cheapest_variants_price(topic: str) -> None:
    [told] = _told(_shoplazza(topic))

    assert (told.title, told.brand, told.category_path) == ("Mug, hand-made", "Acme", ())
    assert (told.price_minor, told.currency) == (1999, "USD")
    assert (told.product_id, told.version) == (_SHOPLAZZA.product_id(_MUG), 1_777_622_400_000_000)


@pytest.mark.parametrize(
    ("variants", "price_minor"),
    [
        (None, None),
        ([], None),
        ([{"price": ""}, {"price": "3.00"}, {}], 300),
        ([{"price": 19.9}], 1990),
        ([{"price": "0.00"}, {"price": "3.00"}], 0),
    ],
)
def test_shoplazza_variants_without_a_price_have_none(variants: Any, price_minor: int | None) -> None:
    [told] = _told(_shoplazza(variants=variants))

    assert told.price_minor == price_minor


def test_a_bare_body_of_shoplazza_is_the_same_product() -> None:
    bare = Sent("products/update", bodies_shoplazza.product()["product"], store=_SHOPLAZZA)

    assert _told(bare) == _told(_shoplazza())


def test_a_line_names_the_same_product_as_its_own_deliveries() -> None:
    for order, product in (
        (Sent("order.created", bodies_woocommerce.order(), store=_WOO), _woo()),
        (Sent("orders/create", bodies_shoplazza.wrapped(), store=_SHOPLAZZA), _shoplazza()),
    ):
        desk = Desk()
        desk.apply(order, product)
        [of_lines, by_itself] = _products(desk.facts)[0].product_id, _products(desk.facts)[-1].product_id
        assert of_lines == by_itself


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (_woo(id=None), "/id"),
        (_woo(name=None), "/name"),
        (_woo(name=7), "/name"),
        (_woo(price="9,00"), "/price"),
        (_woo(price="<b>9</b>"), "/price"),
        (_woo(brands=["Acme"]), "/brands/0"),
        (_woo(categories=[{"name": 7}]), "/categories/0/name"),
        (_woo(date_modified_gmt="yesterday"), "/date_modified_gmt"),
        (Sent("product.updated", {"product": {"id": 1, "title": "Mug"}}, store=_WOO), "/product/name"),
        (Sent("product.updated", bodies_woocommerce.order(), store=_WOO), "/line_items"),
        (Sent("product.updated", bodies_woocommerce.customer(), store=_WOO), "/name"),
        (Sent("product.deleted", {"id": None}, store=_WOO), "/id"),
        (_woo("order.deleted"), "/catalog_visibility"),
        (_woo("customer.updated"), "/catalog_visibility"),
        (_shoplazza(id=None), "/product/id"),
        (_shoplazza(title=""), "/product/title"),
        (_shoplazza(variants=[{"price": "a lot"}]), "/product/variants/0/price"),
        (_shoplazza(updated_at="2026-05-01 10:00:00"), "/product/updated_at"),
        (Sent("products/update", bodies_shoplazza.wrapped(), store=_SHOPLAZZA), "/order/line_items"),
        (Sent("products/delete", {"product": {}}, store=_SHOPLAZZA), "/product/id"),
    ],
)
def test_a_complaint_says_where(sent: Sent, place: str) -> None:
    with pytest.raises(Malformed) as caught:
        Desk().apply(sent)

    assert str(caught.value).startswith(place)


_WOO_ORDER = Sent("order.created", bodies_woocommerce.order(), store=_WOO)
_LATER_ORDER = Sent(
    "order.created",
    bodies_woocommerce.order(
        id=728, date_modified_gmt="2026-06-01T00:00:00", line_items=[bodies_woocommerce.line(name="A name in a basket")]
    ),
    store=_WOO,
)
_WOO_SENT = [
    _woo("product.created", name="First", date_modified_gmt="2026-05-01T08:00:00"),
    # The same words again, later than the version that differs: what is older must not come back.
    _woo(name="First", date_modified_gmt="2026-05-03T08:00:00"),
    _woo(name="Between", date_modified_gmt="2026-05-02T08:00:00"),
    _WOO_ORDER,
    _LATER_ORDER,
]
_SAME_SECOND = [_woo(name="One"), _woo(name="Other"), _woo(name="Other", price="8.00"), _LATER_ORDER]
_SHOPLAZZA_SENT = [
    _shoplazza("products/create", title="First"),
    _shoplazza(title="Second", updated_at="2026-05-02T08:00:00Z"),
    _shoplazza(title="First", updated_at="2026-05-03T08:00:00Z"),
    Sent("products/delete", {"product": {"id": _MUG}}, store=_SHOPLAZZA),
    Sent("orders/create", bodies_shoplazza.wrapped(line_items=[bodies_shoplazza.mug()]), store=_SHOPLAZZA),
]


def _ends(*sent: Sent) -> tuple[ProductWords | None, ProductWords | None]:
    """The words that are kept, and those of the last fact: whoever reads the facts in order must end with them."""
    desk = Desk()
    desk.apply(*sent)
    [product] = desk.workspace.products.values()
    last = _products(desk.facts)[-1]
    said = ProductWords(
        title=last.title, brand=last.brand, category_path=last.category_path, price_minor=last.price_minor
    )
    return product.words, said


@pytest.mark.parametrize("deliveries", [_WOO_SENT, _SAME_SECOND, _SHOPLAZZA_SENT])
def test_products_and_orders_that_name_them_end_alike_in_every_order_and_repetition(deliveries: list[Sent]) -> None:
    kept, said = _ends(*deliveries)

    assert kept == said
    for sent in permutations(deliveries):
        assert _ends(*sent) == (kept, said)
        assert _ends(*sent, *reversed(sent)) == (kept, said)


def test_the_latest_words_of_the_product_itself_are_those_that_stand() -> None:
    woo, shoplazza = _ends(*_WOO_SENT)[0], _ends(*_SHOPLAZZA_SENT)[0]

    assert woo is not None
    assert shoplazza is not None
    assert (woo.title, shoplazza.title) == ("First", "First")
