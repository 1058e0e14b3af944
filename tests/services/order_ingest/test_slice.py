"""One webhook's whole way through the service, over HTTP, on a real database."""

from libs.contracts.commerce import CustomerRegisteredV1, OrderPlacedV1, OrderRefundedV1
from tests.services.order_ingest import bodies
from tests.services.order_ingest.conftest import House


async def test_a_paid_order_is_placed_then_paid_and_readable(house: House) -> None:
    shop = await house.shop()

    answer = await house.deliver(shop, "orders/create", bodies.order())
    await house.normaliser.drain()

    assert (answer.status_code, answer.content) == (200, b"")
    assert sorted(await house.told()) == ["customer.registered", "order.paid", "order.placed", "product.upserted"]
    [placed] = await house.facts("order.placed")
    assert isinstance(placed, OrderPlacedV1)
    assert (placed.total_minor, placed.subtotal_minor, placed.shipping_minor, placed.tax_minor) == (
        4386,
        3598,
        500,
        288,
    )
    [listed] = (await house.get(shop, "/v1/orders"))["items"]
    assert listed["total"] == {"amount_minor": 4386, "currency": "USD"}
    shown = await house.get(shop, f"/v1/orders/{listed['order_id']}")
    assert shown["content"]["lines"][0]["total_minor"] == 3598


async def test_a_customer_is_found_by_id_and_by_address_and_travels_sealed(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    await house.normaliser.drain()

    by_email = (await house.get(shop, "/v1/customers", email="Bob.Norman@EXAMPLE.com"))["items"]
    by_id = (await house.get(shop, "/v1/customers", external_id="207119551"))["items"]
    [registered] = await house.facts("customer.registered")

    assert by_email == by_id
    assert by_email[0]["given_name"] == "Bob"
    assert isinstance(registered, CustomerRegisteredV1)
    assert "bob.norman" not in registered.model_dump_json().lower()


async def test_a_refund_tells_what_moved_and_what_was_given_back(house: House) -> None:
    shop = await house.shop()
    await house.deliver(shop, "orders/create", bodies.order())
    await house.deliver(shop, "refunds/create", bodies.refund())
    await house.normaliser.drain()

    [refunded] = await house.facts("order.refunded")

    assert isinstance(refunded, OrderRefundedV1)
    assert (refunded.amount_minor, refunded.cumulative_amount_minor) == (1943, 1943)
    assert (refunded.lines[0].amount_minor, refunded.lines[0].tax_minor) == (1799, 144)
    assert not refunded.fully_refunded


async def test_a_signed_body_that_cannot_be_read_is_parked_and_its_replay_is_applied_once_understood(
    house: House,
) -> None:
    shop = await house.shop()

    answer = await house.deliver(shop, "orders/create", b'{"id": 1, "id": 2}')
    await house.normaliser.drain()

    assert answer.status_code == 200
    [parked] = (await house.get(shop, "/v1/deliveries", state="parked"))["items"]
    assert parked["reason"] == "/: a key stands twice in one object"
    headers = house.bearer("deliveries:write", merchant_id=shop.merchant_id)
    replayed = await house.client.post(f"/v1/deliveries/{parked['delivery_id']}/replays", headers=headers)
    assert replayed.status_code == 202, replayed.text
    await house.normaliser.drain()
    assert len((await house.get(shop, "/v1/deliveries", state="parked"))["items"]) == 2
