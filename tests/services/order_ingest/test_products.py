"""Products through the running service: the database keeps who described them."""

from services.order_ingest.domain.canonical import EXAMPLE_PRODUCT
from tests.services.order_ingest.conftest import House
from tests.services.order_ingest.test_imports import _order


async def test_a_product_outlives_what_order_lines_say_of_it(house: House) -> None:
    shop = await house.shop("standard")
    await house.send(shop, "order.created", _order(1))
    await house.normaliser.drain()
    [by_line] = (await house.get(shop, "/v1/products"))["items"]

    for kind, content in (
        ("product.updated", {**EXAMPLE_PRODUCT, "title": "The mug", "daily_use": "0.25"}),
        ("order.created", _order(2, updated_at="2026-06-01T00:00:00Z")),
        ("product.updated", {**EXAMPLE_PRODUCT, "title": "An older name", "updated_at": "2026-04-01T08:00:00Z"}),
    ):
        await house.send(shop, kind, content)
        await house.normaliser.drain()

    [by_itself] = (await house.get(shop, "/v1/products"))["items"]
    assert (by_line["title"], by_line["care_tips"], by_line["price_minor"]) == ("Mug", [], None)
    assert (by_itself["title"], by_itself["care_tips"], by_itself["price_minor"]) == (
        "The mug",
        ["Dishwasher safe"],
        1999,
    )
    assert by_itself["daily_use"] == "0.25"
    assert (await house.told()).count("product.upserted") == 2
