"""Orders and notifications as Amazon's schemas shape them, written for these tests.

Source: amzn/selling-partner-api-models, `models/orders-api-model/orders_2026-01-01.json` (definitions "Order",
"OrderItem", "ItemProceeds", "OrderPackage", "Buyer", "Recipient") and
`schemas/notifications/OrderChangeNotification.json`.
"""

import copy
import json
from typing import Any

SELLER = "A2KEXAMPLE0ABC"
US, UK = "ATVPDKIKX0DER", "A1F83G8C2ARO7P"
ALIAS = "q7w3zk9example@marketplace.amazon.com"


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"amount": amount, "currencyCode": currency}


def part(kind: str, amount: str, currency: str = "USD", **details: str) -> dict[str, Any]:
    """One of the breakdowns, its details by their subtype."""
    found: dict[str, Any] = {"type": kind, "subtotal": money(amount, currency)}
    if details:
        found["detailedBreakdowns"] = [
            {"subtype": name, "value": money(value, currency)} for name, value in details.items()
        ]
    return found


_PARTS = [
    part("ITEM", "40.00"),
    part("SHIPPING", "6.00"),
    part("DISCOUNT", "-5.00", ITEM="-4.00", SHIPPING="-1.00"),
    part("TAX", "3.30", ITEM="2.88", SHIPPING="0.42"),
]

_ITEM: dict[str, Any] = {
    "orderItemId": "05015851154158",
    "quantityOrdered": 2,
    "programs": [],
    "product": {
        "asin": "B0EXAMPLE7",
        "title": "Enamel mug, blue",
        "sellerSku": "MUG-BLUE",
        "condition": {"conditionType": "NEW", "conditionSubtype": "NEW", "conditionNote": ""},
        "price": {"unitPrice": money("20.00")},
    },
    "proceeds": {"proceedsTotal": money("44.30"), "breakdowns": _PARTS},
    "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 2},
}

_ADDRESS: dict[str, Any] = {
    "name": "Ann Smith",
    "addressLine1": "969 Market",
    "city": "San Francisco",
    "stateOrRegion": "CA",
    "postalCode": "94103",
    "countryCode": "US",
    "phone": "+1 415-555-0123",
    "addressType": "RESIDENTIAL",
}

_ORDER: dict[str, Any] = {
    "orderId": "112-4567890-1234567",
    "orderAliases": [{"aliasId": "SHOP-17", "aliasType": "SELLER_ORDER_ID"}],
    "createdTime": "2026-05-02T10:15:00Z",
    "lastUpdatedTime": "2026-05-02T10:45:00Z",
    "programs": ["PRIME"],
    "associatedOrders": [],
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": US, "marketplaceName": "Amazon.com"},
    "buyer": {"buyerName": "Ann Smith", "buyerEmail": ALIAS},
    "recipient": {"deliveryAddress": _ADDRESS},
    "proceeds": {"grandTotal": money("44.30")},
    "fulfillment": {
        "fulfillmentStatus": "UNSHIPPED",
        "fulfilledBy": "MERCHANT",
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {"earliestDateTime": "2026-05-03T07:00:00Z", "latestDateTime": "2026-05-05T06:59:59Z"},
    },
    "orderItems": [_ITEM],
}

_PACKAGE: dict[str, Any] = {
    "packageReferenceId": "1",
    "createdTime": "2026-05-04T08:00:00Z",
    "packageStatus": {"status": "SHIPPED"},
    "carrier": "UPS",
    "shipTime": "2026-05-04T09:00:00Z",
    "shippingService": "UPS Ground",
    "trackingNumber": "1Z999AA10123456784",
    "packageItems": [{"orderItemId": "05015851154158", "quantity": 2}],
}

_CHANGE: dict[str, Any] = {
    "NotificationLevel": "OrderLevel",
    "SellerId": SELLER,
    "AmazonOrderId": "112-4567890-1234567",
    "OrderChangeType": "OrderStatusChange",
    "OrderChangeTrigger": {"TimeOfOrderChange": "2026-05-04T09:00:01.250Z", "ChangeReason": "Order Status Change"},
    "Summary": {
        "MarketplaceId": US,
        "OrderStatus": "Shipped",
        "PurchaseDate": "2026-05-02T10:15:00.000Z",
        "DestinationPostalCode": None,
        "FulfillmentType": "MFN",
        "OrderType": "StandardOrder",
        "OrderPrograms": [],
        "ShippingPrograms": [],
        "OrderItems": [{"OrderItemId": "05015851154158", "SellerSKU": "MUG-BLUE", "Quantity": 2}],
    },
}

PENDING: dict[str, Any] = {"fulfillment": {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"}, "proceeds": None}
"""What an order says before its payment is authorised, but for its items."""

CANCELLED: dict[str, Any] = {
    "fulfillment": {"fulfillmentStatus": "CANCELLED", "fulfilledBy": "MERCHANT"},
    "lastUpdatedTime": "2026-05-03T11:00:00Z",
}
"""What an order says once it is called off, but for its items."""


def order(**changes: Any) -> dict[str, Any]:
    """An order's document: 2 for 40.00 less 4.00, shipping 6.00 less 1.00, tax 3.30 on top."""
    return {**copy.deepcopy(_ORDER), **copy.deepcopy(changes)}


def item(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_ITEM), **copy.deepcopy(changes)}


def called_off(reason: str | None = None, **changes: Any) -> dict[str, Any]:
    """An item of which nothing is left to be sent, without its price."""
    words = {"cancelledBy": "MERCHANT", "cancelReason": reason} if reason else {"cancelledBy": "BUYER"}
    found = item(
        cancellation={"cancellationExecution": words}, fulfillment={"quantityFulfilled": 0, "quantityUnfulfilled": 0}
    )
    del found["proceeds"]
    return {**found, **changes}


def unpriced(**changes: Any) -> dict[str, Any]:
    found = item(**changes)
    del found["proceeds"]
    return found


def priced(*parts: dict[str, Any], total: str = "1.00", currency: str = "USD", **changes: Any) -> dict[str, Any]:
    """An item with these breakdowns."""
    product = {**_ITEM["product"], "price": {}}
    proceeds = {"proceedsTotal": money(total, currency), "breakdowns": list(parts)}
    return item(**{"product": product, "proceeds": proceeds, **changes})


def fulfilled(status: str, by: str = "MERCHANT") -> dict[str, Any]:
    return {**_ORDER["fulfillment"], "fulfillmentStatus": status, "fulfilledBy": by}


def package(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_PACKAGE), **changes}


def address(**changes: Any) -> dict[str, Any]:
    """A recipient at an address."""
    return {"deliveryAddress": {**_ADDRESS, **changes}}


def change(**changes: Any) -> dict[str, Any]:
    """What is inside an ORDER_CHANGE notification's payload."""
    return {"OrderChangeNotification": {**copy.deepcopy(_CHANGE), **changes}}


def notification(**changes: Any) -> dict[str, Any]:
    """An ORDER_CHANGE notification."""
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": "2026-05-04T09:00:07.000Z",
        "Payload": change(),
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sp.solution.0b1c2d3e",
            "SubscriptionId": "5d0c6d7e-0000-4000-8000-0123456789ab",
            "PublishTime": "2026-05-04T09:00:08.000Z",
            "NotificationId": "8f1e2d3c-0000-4000-8000-0123456789ab",
        },
        **changes,
    }


def wrapped(message: dict[str, Any] | str, **changes: Any) -> dict[str, Any]:
    """A notification as SNS passes it on to a queue."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:orders",
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2026-05-04T09:00:09.000Z",
        "SignatureVersion": "1",
        **changes,
    }
