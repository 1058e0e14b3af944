"""All facts of the topic `commerce`, which order-ingest owns: the one place to import them from."""

from libs.contracts import customers, fulfilments, orders, stores
from libs.contracts.customers import (
    ConsentCapturedV1,
    ConsentChannel,
    ConsentProof,
    ConsentState,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUpdatedV1,
)
from libs.contracts.fact import Fact
from libs.contracts.fulfilments import (
    MovedLine,
    OrderCompletedV1,
    OrderDeliveredV1,
    OrderFulfilledV1,
    ReturnClosedV1,
    ReturnRequestedV1,
)
from libs.contracts.orders import (
    Acquisition,
    Fx,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderLine,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    RefundLine,
)
from libs.contracts.stores import (
    CategoryType,
    ImportFinishedV1,
    ImportStartedV1,
    MerchantRegisteredV1,
    ProductUpsertedV1,
    StoreUpsertedV1,
)

FACTS: tuple[type[Fact], ...] = (*stores.FACTS, *customers.FACTS, *orders.FACTS, *fulfilments.FACTS)

__all__ = [
    "FACTS",
    "Acquisition",
    "CategoryType",
    "ConsentCapturedV1",
    "ConsentChannel",
    "ConsentProof",
    "ConsentState",
    "CustomerErasedV1",
    "CustomerMergedV1",
    "CustomerRegisteredV1",
    "CustomerUpdatedV1",
    "Fx",
    "ImportFinishedV1",
    "ImportStartedV1",
    "MerchantRegisteredV1",
    "MovedLine",
    "OrderCancelledV1",
    "OrderChangedV1",
    "OrderCompletedV1",
    "OrderDeletedV1",
    "OrderDeliveredV1",
    "OrderFulfilledV1",
    "OrderLine",
    "OrderPaidV1",
    "OrderPlacedV1",
    "OrderRefundedV1",
    "ProductUpsertedV1",
    "RefundLine",
    "ReturnClosedV1",
    "ReturnRequestedV1",
    "StoreUpsertedV1",
]
