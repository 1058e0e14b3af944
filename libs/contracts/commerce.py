"""All facts of the topic `commerce`, which order-ingest owns: the one place to import them from."""

from libs.contracts import customers, fulfilments, happenings, orders, stores
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
from libs.contracts.happenings import (
    BuyerMessageReceivedV1,
    CheckoutStartedV1,
    CustomerEventRecordedV1,
    FeedbackReceivedV1,
    ReviewPostedV1,
    SocialActionPerformedV1,
    TicketOpenedV1,
    TicketResolvedV1,
    VisitsReportedV1,
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

FACTS: tuple[type[Fact], ...] = (*stores.FACTS, *customers.FACTS, *orders.FACTS, *fulfilments.FACTS, *happenings.FACTS)

__all__ = [
    "FACTS",
    "Acquisition",
    "BuyerMessageReceivedV1",
    "CategoryType",
    "CheckoutStartedV1",
    "ConsentCapturedV1",
    "ConsentChannel",
    "ConsentProof",
    "ConsentState",
    "CustomerErasedV1",
    "CustomerEventRecordedV1",
    "CustomerMergedV1",
    "CustomerRegisteredV1",
    "CustomerUpdatedV1",
    "FeedbackReceivedV1",
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
    "ReviewPostedV1",
    "SocialActionPerformedV1",
    "StoreUpsertedV1",
    "TicketOpenedV1",
    "TicketResolvedV1",
    "VisitsReportedV1",
]
