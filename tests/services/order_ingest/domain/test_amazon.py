"""Amazon's orders and notifications, read: prices that come late, taxes inside or on top, parcels, aliases."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.order_ingest.domain.changes import Cancellation, LineQuantity, Movement, OrderSeen, OrderTouched, Unheeded
from services.order_ingest.domain.errors import Malformed
from services.order_ingest.domain.platforms import amazon
from services.order_ingest.domain.reading import load, microseconds
from services.order_ingest.domain.storefront import PULLED, Arrival
from tests.services.order_ingest import bodies_amazon as bodies
from tests.services.order_ingest.bodies import encoded
from tests.services.order_ingest.desk import NOW, storefront

_PLACED = datetime(2026, 5, 2, 10, 15, tzinfo=UTC)
_UPDATED = datetime(2026, 5, 2, 10, 45, tzinfo=UTC)
_SENT = datetime(2026, 5, 4, 9, tzinfo=UTC)


def _read(topic: str | None, body: dict[str, Any], **store: Any) -> Any:
    words = {"platform": "amazon", "account": bodies.SELLER, **store}
    return amazon.parse(load(encoded(body)), Arrival(topic=topic, at=NOW), storefront(**words))


def _order(**changes: Any) -> OrderSeen:
    found = _read(PULLED, bodies.order(**changes))
    assert isinstance(found, OrderSeen)
    return found


def _in(currency: str, total: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"proceeds": {"grandTotal": bodies.money(total, currency)}, "orderItems": list(items)}


_BRITISH = bodies.priced(
    bodies.part("ITEM", "24.00", "GBP"), bodies.part("SHIPPING", "6.00", "GBP"),
    bodies.part("TAX", "5.00", "GBP", ITEM="4.00", SHIPPING="1.00"), currency="GBP",
)  # fmt: skip
_JAPANESE = bodies.priced(bodies.part("ITEM", "3980", "JPY"), bodies.part("COD_FEE", "330", "JPY"), currency="JPY")
_WRAPPED = bodies.priced(
    bodies.part("ITEM", "10.00"), bodies.part("GIFT_WRAP", "3.00"), bodies.part("OTHER", "-0.50"),
    bodies.part("TAX", "1.00", ITEM="0.80", GIFT_WRAP="0.20"), orderItemId="2",
)  # fmt: skip
_UNDIVIDED = bodies.priced(total="7.50", orderItemId="3")


@pytest.mark.parametrize(
    ("changes", "included"),
    [
        ({}, False),
        # On top although nothing but the total says so.
        (_in("GBP", "35.00", _BRITISH), False),
        # Inside the prices: the total is the sum without the tax.
        (_in("GBP", "30.00", _BRITISH), True),
        (_in("JPY", "4310", _JAPANESE), True),
        (_in("USD", "13.50", _WRAPPED), False),
        (_in("USD", "21.00", _WRAPPED, _UNDIVIDED), False),
        (_in("USD", "44.30", bodies.item(), bodies.called_off(orderItemId="4")), False),
        (_in("USD", "0.00"), False),
    ],
)
def test_lines_shipping_and_tax_make_the_grand_total(changes: dict[str, Any], included: bool) -> None:
    seen = _order(**changes)

    assert (seen.remark, seen.content.tax_included) == (None, included)
    exponent = 0 if seen.content.currency == "JPY" else 2
    total = Decimal(bodies.order(**changes)["proceeds"]["grandTotal"]["amount"])
    assert seen.content.total_minor == int(total.scaleb(exponent))


@pytest.mark.parametrize("currency", ["USD", "CAD"])
def test_in_the_united_states_and_canada_tax_is_on_top_whatever_the_total(currency: str) -> None:
    item = bodies.priced(
        bodies.part("ITEM", "40.00", currency), bodies.part("TAX", "3.00", currency), currency=currency
    )

    seen = _order(**_in(currency, "40.00", item))

    assert not seen.content.tax_included
    assert seen.remark == "grandTotal without tip is 4000, lines, shipping and tax make 4300 (minor units)"


def test_a_tip_is_in_the_total_and_in_no_line() -> None:
    tip = {**bodies.part("DELIVERY_TIP", "5.00"), "status": "FINALIZED"}

    seen = _order(proceeds={"grandTotal": bodies.money("49.30"), "breakdowns": [bodies.part("ITEM", "40.00"), tip]})

    assert (seen.remark, seen.content.total_minor) == (None, 4430)


def test_a_kind_of_proceeds_that_nobody_documented_is_left_out_and_remarked() -> None:
    item = bodies.priced(bodies.part("ITEM", "40.00"), bodies.part("RECYCLING", "1.00"))

    seen = _order(**_in("USD", "41.00", item))

    assert seen.content.total_minor == 4000
    assert seen.remark == "grandTotal without tip is 4100, lines, shipping and tax make 4000 (minor units)"


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_discount_takes_off_with_either_sign(sign: str) -> None:
    parts = (
        bodies.part("ITEM", "40.00"), bodies.part("SHIPPING", "6.00"),
        bodies.part("DISCOUNT", f"{sign}5.00", ITEM=f"{sign}4.00", SHIPPING=f"{sign}1.00"),
    )  # fmt: skip

    content = _order(orderItems=[bodies.priced(*parts)]).content

    assert (content.lines[0].total_minor, content.shipping_minor, content.discount_minor) == (3600, 500, 500)


def test_a_line_is_what_was_paid_for_its_goods() -> None:
    [line] = _order().content.lines

    assert (line.external_id, line.product_id, line.title) == ("05015851154158", "B0EXAMPLE7", "Enamel mug, blue")
    assert (line.quantity, line.unit_price_minor, line.total_minor) == (2, 2000, 3600)
    assert (line.discount_minor, line.tax_minor, line.gift_card) == (400, 288, False)


def test_without_a_unit_price_the_price_is_the_items_divided() -> None:
    [line] = _order(orderItems=[bodies.priced(bodies.part("ITEM", "10.00"), quantityOrdered=3)]).content.lines

    assert line.unit_price_minor == 333


def test_gift_wrap_is_the_lines_and_the_fee_at_the_door_is_the_parcels() -> None:
    wrapped = _order(orderItems=[_WRAPPED]).content
    at_the_door = _order(**_in("JPY", "4310", _JAPANESE)).content

    assert (wrapped.lines[0].total_minor, wrapped.lines[0].tax_minor, wrapped.shipping_minor) == (1250, 100, 0)
    assert (at_the_door.lines[0].total_minor, at_the_door.shipping_minor) == (3980, 330)


@pytest.mark.parametrize(
    ("product", "product_id", "title"),
    [
        ({"asin": "B0X", "title": "Mug", "sellerSku": "S"}, "B0X", "Mug"),
        ({"title": "", "sellerSku": "S"}, "S", "S"),
        ({}, None, "-"),
    ],
)
def test_a_product_is_its_asin_or_the_sellers_own_number(
    product: dict[str, Any], product_id: str | None, title: str
) -> None:
    [line] = _order(orderItems=[bodies.item(product=product)]).content.lines

    assert (line.product_id, line.title) == (product_id, title)


def test_the_order_keeps_its_words() -> None:
    seen = _order()
    content = seen.content

    assert (seen.external_id, content.number, content.channel) == ("112-4567890-1234567",) * 2 + ("Amazon.com",)
    assert (content.currency, content.shipping_minor, content.tax_minor) == ("USD", 500, 330)
    assert (content.placed_at, seen.updated_us) == (_PLACED, microseconds(_UPDATED))
    assert content.coupon_codes == ()


def test_no_order_tells_refunds_or_returns() -> None:
    seen = _order(fulfillment=bodies.fulfilled("SHIPPED"), packages=[bodies.package()])

    assert (seen.refunds, seen.returns) == ((), ())


@pytest.mark.parametrize(
    ("status", "financial_status", "paid_at"),
    [
        ("PENDING_AVAILABILITY", "pending", None),
        ("PENDING", "pending", None),
        ("UNSHIPPED", "authorized", None),
        ("PARTIALLY_SHIPPED", "paid", _PLACED),
        ("SHIPPED", "paid", _PLACED),
        ("CANCELLED", "voided", None),
        ("UNFULFILLABLE", "authorized", None),
        ("A_NEW_WORD", "authorized", None),
    ],
)
def test_money_is_taken_when_goods_leave_and_is_as_old_as_the_order(
    status: str, financial_status: str, paid_at: datetime | None
) -> None:
    seen = _order(fulfillment=bodies.fulfilled(status))

    assert (seen.content.financial_status, seen.paid_at) == (financial_status, paid_at)


@pytest.mark.parametrize("status", ["PENDING", "PENDING_AVAILABILITY"])
@pytest.mark.parametrize(
    "items", [[], [bodies.unpriced()], [bodies.item(), bodies.unpriced(orderItemId="2")], [bodies.item(proceeds={})]]
)
def test_a_pending_order_without_all_its_prices_is_left_alone(status: str, items: list[dict[str, Any]]) -> None:
    found = _read(
        PULLED, bodies.order(**{**bodies.PENDING, "fulfillment": {"fulfillmentStatus": status}}, orderItems=items)
    )

    assert found == Unheeded("ignored", "the order is pending: Amazon tells its prices later")


def test_a_parcel_for_another_shop_is_left_alone() -> None:
    found = _read(PULLED, bodies.order(salesChannel={"channelName": "NON_AMAZON"}))

    assert isinstance(found, Unheeded)
    assert found.outcome == "ignored"


@pytest.mark.parametrize(
    "item",
    [
        bodies.called_off(orderItemId="2"),
        bodies.called_off(orderItemId="2", fulfillment=None),
        bodies.unpriced(orderItemId="2", quantityOrdered=0),
        bodies.item(orderItemId="2", cancellation={"cancellationExecution": {"cancelledBy": "AMAZON"}}, fulfillment={}),
    ],
)
def test_an_item_that_was_called_off_is_no_line(item: dict[str, Any]) -> None:
    seen = _order(orderItems=[bodies.item(), item])

    assert [line.external_id for line in seen.content.lines] == ["05015851154158"]
    assert (seen.remark, seen.cancelled) == (None, None)


@pytest.mark.parametrize("left", [{"quantityFulfilled": 1, "quantityUnfulfilled": 0}, {"quantityUnfulfilled": 1}])
@pytest.mark.parametrize("name", ["cancellationExecution", "cancellationRequest"])
def test_an_item_of_which_something_is_left_is_a_line(left: dict[str, int], name: str) -> None:
    seen = _order(orderItems=[bodies.item(fulfillment=left, cancellation={name: {"cancelReason": "too late"}})])

    assert (len(seen.content.lines), seen.cancelled) == (1, None)


@pytest.mark.parametrize(
    "items", [[], [bodies.item(cancellation={"cancellationRequest": {"requester": "BUYER"}}, fulfillment={})]]
)
def test_neither_a_request_to_cancel_nor_having_no_items_cancels(items: list[dict[str, Any]]) -> None:
    assert _order(orderItems=items).cancelled is None


def test_a_cancelled_order_keeps_what_still_has_a_price() -> None:
    priced, unpriced = bodies.called_off("No stock", proceeds=bodies.item()["proceeds"]), bodies.called_off()

    seen = _order(**bodies.CANCELLED, orderItems=[unpriced, {**priced, "orderItemId": "2"}])

    assert seen.cancelled == Cancellation(at=datetime(2026, 5, 3, 11, tzinfo=UTC), reason="No stock")
    assert [line.external_id for line in seen.content.lines] == ["2"]


def test_a_cancelled_order_without_any_price_is_one_without_lines_in_the_stores_currency() -> None:
    found = _read(PULLED, bodies.order(**bodies.CANCELLED, proceeds=None, orderItems=[bodies.unpriced(product={})]))

    assert isinstance(found, OrderSeen)
    assert (found.content.lines, found.content.total_minor, found.content.currency) == ((), 0, "USD")
    assert (found.cancelled, found.remark) == (Cancellation(at=datetime(2026, 5, 3, 11, tzinfo=UTC), reason=None), None)


def test_an_order_all_of_whose_items_were_called_off_is_cancelled() -> None:
    seen = _order(orderItems=[bodies.called_off(), bodies.called_off("No stock", orderItemId="2")])

    assert seen.cancelled == Cancellation(at=_UPDATED, reason="No stock")
    assert seen.content.financial_status == "voided"


@pytest.mark.parametrize(
    ("changes", "began_at", "ended_at"),
    [
        ({}, _SENT, None),
        ({"packageStatus": {"status": "IN_TRANSIT"}}, _SENT, None),
        ({"packageStatus": {"status": "UNDELIVERABLE"}}, _SENT, None),
        ({"packageStatus": None}, _SENT, None),
        ({"shipTime": None}, datetime(2026, 5, 4, 8, tzinfo=UTC), None),
        ({"shipTime": None, "createdTime": None}, datetime(2026, 5, 6, 7, tzinfo=UTC), None),
        ({"packageStatus": {"status": "DELIVERED"}}, _SENT, datetime(2026, 5, 6, 7, tzinfo=UTC)),
        # Sent on a day that lies ahead, and delivered all the same.
        (
            {"packageStatus": {"status": "DELIVERED"}, "shipTime": "2026-05-07T00:00:00Z"},
            datetime(2026, 5, 7, tzinfo=UTC),
            datetime(2026, 5, 7, tzinfo=UTC),
        ),
    ],
)
def test_a_package_that_left_is_a_parcel(
    changes: dict[str, Any], began_at: datetime, ended_at: datetime | None
) -> None:
    seen = _order(
        fulfillment=bodies.fulfilled("SHIPPED"),
        lastUpdatedTime="2026-05-06T07:00:00Z",
        packages=[bodies.package(**changes)],
    )

    lines = (LineQuantity("05015851154158", 2),)
    assert seen.fulfilments == (Movement(external_id="1", began_at=began_at, ended_at=ended_at, lines=lines),)


@pytest.mark.parametrize(
    "changes",
    [
        {"packageStatus": {"status": "PENDING"}},
        {"packageStatus": {"status": "CANCELLED"}},
        {"packageStatus": {"status": "A_NEW_WORD"}},
        {"packageStatus": None, "shipTime": None},
    ],
)
@pytest.mark.parametrize("status", ["UNSHIPPED", "SHIPPED"])
def test_a_package_that_has_not_left_is_no_news(status: str, changes: dict[str, Any]) -> None:
    seen = _order(fulfillment=bodies.fulfilled(status), packages=[bodies.package(**changes)])

    assert seen.fulfilments == ()


@pytest.mark.parametrize(
    ("status", "figures", "pieces"),
    [
        ("SHIPPED", {"quantityFulfilled": 2, "quantityUnfulfilled": 0}, 2),
        ("SHIPPED", {}, 2),
        ("PARTIALLY_SHIPPED", {"quantityFulfilled": 1, "quantityUnfulfilled": 1}, 1),
        ("PARTIALLY_SHIPPED", {}, 0),
        ("UNSHIPPED", {"quantityFulfilled": 1}, 0),
        ("CANCELLED", {"quantityFulfilled": 1}, 0),
    ],
)
def test_what_amazon_sends_is_one_movement_of_the_pieces_that_left(
    status: str, figures: dict[str, int], pieces: int
) -> None:
    seen = _order(
        fulfillment=bodies.fulfilled(status, by="AMAZON"),
        orderItems=[bodies.item(fulfillment=figures), bodies.called_off(orderItemId="2")],
    )

    lines = (LineQuantity("05015851154158", pieces),)
    whole = Movement(external_id="order", began_at=_UPDATED, lines=lines)
    assert seen.fulfilments == ((whole,) if pieces else ())


def test_where_packages_are_told_they_are_all_that_is_told() -> None:
    seen = _order(
        fulfillment=bodies.fulfilled("SHIPPED", by="AMAZON"),
        orderItems=[bodies.item(fulfillment={"quantityFulfilled": 2})],
        packages=[bodies.package()],
    )

    assert [movement.external_id for movement in seen.fulfilments] == ["1"]


def test_the_alias_is_who_the_buyer_is_and_consents_to_nothing() -> None:
    person = _order().person

    assert (person.external_id, person.email, person.phone) == (None, bodies.ALIAS, "+1 415-555-0123")
    assert (person.given_name, person.family_name, person.region) == ("Ann", "Smith", "US")
    assert (person.accepts_marketing, person.consents) == (None, ())


@pytest.mark.parametrize(
    "recipient",
    [
        bodies.address(name="Bob Norman"),
        bodies.address(name=None),
        bodies.address(phone="+1 207-835-4259 ext. 51234"),
        bodies.address(phone=None),
        None,
    ],
)
def test_a_phone_that_may_be_anothers_is_not_the_buyers(recipient: dict[str, Any] | None) -> None:
    assert _order(recipient=recipient).person.phone is None


def test_an_order_that_amazon_sends_names_nobody() -> None:
    person = _order(buyer=None, recipient={"deliveryAddress": {"countryCode": "CA"}}).person

    assert (person.email, person.phone, person.given_name, person.region) == (None, None, None, "CA")


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("Mary Ann Smith", ("Mary", "Ann Smith")),
        ("Cher", ("Cher", None)),
        ("山田 太郎", ("太郎", "山田")),
        ("", (None, None)),
    ],
)
def test_a_full_name_is_divided(name: str, names: tuple[str | None, str | None]) -> None:
    person = _order(buyer={"buyerName": name}).person

    assert (person.given_name, person.family_name) == names


@pytest.mark.parametrize(("recipient", "region"), [(None, "US"), (bodies.address(countryCode=""), "US")])
def test_without_an_address_the_country_is_the_stores(recipient: Any, region: str) -> None:
    assert _order(recipient=recipient).person.region == region


def test_a_notification_names_an_order_that_was_touched() -> None:
    found = _read(None, bodies.notification())

    at = datetime(2026, 5, 4, 9, 0, 1, 250_000, tzinfo=UTC)
    assert found == OrderTouched(external_id="112-4567890-1234567", at=at)


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({}, datetime(2026, 5, 4, 9, 0, 7, tzinfo=UTC)),
        ({"EventTime": None}, NOW),
    ],
)
@pytest.mark.parametrize("trigger", [{"TimeOfOrderChange": None, "ChangeReason": "-"}, {}, None])
def test_a_change_without_a_time_is_as_old_as_its_notification(
    trigger: Any, changes: dict[str, Any], at: datetime
) -> None:
    found = _read(None, bodies.notification(Payload=bodies.change(OrderChangeTrigger=trigger), **changes))

    assert found.at == at


def test_a_notification_that_sns_wrapped_is_the_same() -> None:
    assert _read(None, bodies.wrapped(bodies.notification())) == _read(None, bodies.notification())


@pytest.mark.parametrize(
    "body",
    [
        bodies.notification(NotificationType="ANY_OFFER_CHANGED", Payload=None),
        bodies.wrapped(bodies.notification(NotificationType="REPORT_PROCESSING_FINISHED")),
        {"notificationType": "DATA_KIOSK_QUERY_PROCESSING_FINISHED", "payload": {}},
        bodies.wrapped("You have chosen to subscribe", Type="SubscriptionConfirmation"),
    ],
)
def test_other_notifications_are_unheeded(body: dict[str, Any]) -> None:
    found = _read(None, body)

    assert isinstance(found, Unheeded)
    assert found.outcome == "ignored"


def test_another_sellers_notification_is_refused() -> None:
    with pytest.raises(Malformed) as complaint:
        _read(None, bodies.notification(), account="A0OTHERSELLER1")

    assert complaint.value.pointer == "/Payload/OrderChangeNotification/SellerId"


def test_a_store_that_is_not_named_by_its_sellers_id_takes_what_its_hook_was_sent() -> None:
    found = _read(None, bodies.notification(), account="my-amazon-shop")

    assert isinstance(found, OrderTouched)


def test_an_order_in_a_hook_is_no_notification() -> None:
    with pytest.raises(Malformed, match="/NotificationType: is missing"):
        _read(None, bodies.order())


def test_a_notification_among_pulled_orders_is_no_order() -> None:
    with pytest.raises(Malformed, match="/fulfillment: is missing"):
        _read(PULLED, bodies.notification())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/NotificationType"),
        (bodies.notification(NotificationType=7), "/NotificationType"),
        (bodies.notification(Payload=None), "/Payload/OrderChangeNotification"),
        (bodies.notification(Payload=[]), "/Payload"),
        (bodies.notification(Payload={}), "/Payload/OrderChangeNotification"),
        (
            bodies.notification(Payload=bodies.change(AmazonOrderId=None)),
            "/Payload/OrderChangeNotification/AmazonOrderId",
        ),
        (bodies.notification(Payload=bodies.change(SellerId=None)), "/Payload/OrderChangeNotification/SellerId"),
        (
            bodies.notification(Payload=bodies.change(OrderChangeTrigger={"TimeOfOrderChange": "soon"})),
            "/Payload/OrderChangeNotification/TimeOfOrderChange",
        ),
        (bodies.wrapped("not JSON"), "/Message"),
        (bodies.wrapped("[]"), "/Message"),
        (bodies.wrapped("\ud800"), "/Message"),
        (bodies.wrapped({}, Message=None), "/Message"),
        (bodies.wrapped({"NotificationType": "ORDER_CHANGE"}), "/Message/Payload/OrderChangeNotification"),
        (bodies.wrapped(bodies.wrapped(bodies.notification())), "/Message/NotificationType"),
    ],
)
def test_a_notification_that_cannot_be_read_is_malformed_and_named(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(None, body)

    assert complaint.value.pointer == pointer


def _item_with(**changes: Any) -> dict[str, Any]:
    return {"orderItems": [bodies.item(), bodies.item(**changes)]}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"orderId": None}, "/orderId"),
        ({"createdTime": None}, "/createdTime"),
        ({"createdTime": "2026-05-02"}, "/createdTime"),
        ({"lastUpdatedTime": None}, "/lastUpdatedTime"),
        ({"lastUpdatedTime": 1777716900}, "/lastUpdatedTime"),
        ({"fulfillment": None}, "/fulfillment"),
        ({"fulfillment": {}}, "/fulfillment/fulfillmentStatus"),
        ({"fulfillment": {"fulfillmentStatus": 5}}, "/fulfillment/fulfillmentStatus"),
        ({"salesChannel": []}, "/salesChannel"),
        ({"proceeds": []}, "/proceeds"),
        ({"proceeds": {"grandTotal": {"amount": "1.00"}}}, "/proceeds/grandTotal/currencyCode"),
        ({"proceeds": {"grandTotal": bodies.money("1.00", "BTC")}}, "/proceeds/grandTotal/currencyCode"),
        ({"proceeds": {"grandTotal": bodies.money("1,00")}}, "/proceeds/grandTotal/amount"),
        ({"proceeds": {"grandTotal": {"currencyCode": "USD"}}}, "/proceeds/grandTotal/amount"),
        # The order's currency is its total's: then every price is in another one.
        (
            {"proceeds": {"grandTotal": bodies.money("1.00", "EUR")}},
            "/orderItems/0/price/unitPrice/currencyCode",
        ),
        ({"orderItems": {}}, "/orderItems"),
        ({"orderItems": [bodies.item(), 7]}, "/orderItems/1"),
        (_item_with(orderItemId=None), "/orderItems/1/orderItemId"),
        (_item_with(quantityOrdered=None), "/orderItems/1/quantityOrdered"),
        (_item_with(quantityOrdered=-1), "/orderItems/1/quantityOrdered"),
        (_item_with(quantityOrdered="2"), "/orderItems/1/quantityOrdered"),
        (_item_with(product=None), "/orderItems/1/product"),
        (_item_with(proceeds=None), "/orderItems/1/proceeds"),
        (_item_with(proceeds={"breakdowns": []}), "/orderItems/1/proceeds"),
        (_item_with(proceeds={"breakdowns": [{"type": "ITEM"}]}), "/orderItems/1/proceeds/breakdowns/0/subtotal"),
        (
            _item_with(proceeds={"breakdowns": [{"subtotal": bodies.money("1.00")}]}),
            "/orderItems/1/proceeds/breakdowns/0/type",
        ),
        (
            _item_with(proceeds={"breakdowns": [bodies.part("ITEM", "1.00"), bodies.part("TAX", "1.00", "EUR")]}),
            "/orderItems/1/proceeds/breakdowns/1/subtotal/currencyCode",
        ),
        (
            _item_with(proceeds={"breakdowns": [bodies.part("TAX", "1.00", ITEM="NaN", SHIPPING="?")]}),
            "/orderItems/1/proceeds/breakdowns/0/detailedBreakdowns/0/value/amount",
        ),
        (_item_with(fulfillment={"quantityFulfilled": 1.5}), "/orderItems/1/quantityFulfilled"),
        ({"packages": [bodies.package(packageReferenceId=None)]}, "/packages/0/packageReferenceId"),
        ({"packages": [bodies.package(packageItems=[{"orderItemId": "1"}])]}, "/packages/0/packageItems/0/quantity"),
        ({"buyer": "Ann"}, "/buyer"),
        ({"buyer": {"buyerEmail": 5}}, "/buyerEmail"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_malformed_and_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Malformed) as complaint:
        _read(PULLED, bodies.order(**changes))

    assert complaint.value.pointer == pointer


def test_no_complaint_repeats_what_a_body_said() -> None:
    with pytest.raises(Malformed) as complaint:
        _read(PULLED, bodies.order(buyer={"buyerEmail": {"ann": bodies.ALIAS}}))

    assert "ann" not in str(complaint.value)


_JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({}), st.just([[]]),
    st.just([{}]),
    st.sampled_from(["1e400", "-0", "NaN", "9" * 40, "\ud800", "\x00", "2026-02-30T00:00:00Z", "JPY", "CANCELLED"]),
)  # fmt: skip
_FULL = bodies.order(
    packages=[bodies.package()],
    proceeds={"grandTotal": bodies.money("49.30"), "breakdowns": [bodies.part("DELIVERY_TIP", "5.00")]},
    orderItems=[bodies.item(), bodies.called_off("No stock", orderItemId="2")],
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _with(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, key: _with(value[key], rest, junk)}
    return [_with(each, rest, junk) if place == key else each for place, each in enumerate(value)]


def _pointer(topic: str | None, body: Any) -> str:
    """Where the complaint about the body points to; empty without a complaint."""
    try:
        amazon.parse(body, Arrival(topic=topic, at=NOW), storefront("amazon"))
    except Malformed as complaint:
        return complaint.pointer
    return ""


@given(
    st.sampled_from([(PULLED, _FULL), (None, bodies.notification()), (None, bodies.wrapped(bodies.notification()))]),
    st.data(),
)
@settings(max_examples=600, deadline=None)
def test_junk_anywhere_is_read_or_refused_and_nothing_else(sort: tuple[str | None, Any], data: st.DataObject) -> None:
    topic, whole = sort
    spoiled = _with(whole, data.draw(st.sampled_from(_places(whole)[1:])), data.draw(_JUNK))

    assert _pointer(topic, spoiled)[:1] in ("", "/")
