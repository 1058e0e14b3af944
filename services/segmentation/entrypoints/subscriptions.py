"""What segmentation listens to."""

from collections.abc import Mapping
from typing import Final

from libs.contracts.commerce import (
    CustomerDataRequestedV1,
    CustomerErasedV1,
    CustomerMergedV1,
    CustomerRegisteredV1,
    CustomerUnmergedV1,
    CustomerUpdatedV1,
    MerchantRegisteredV1,
    OrderCancelledV1,
    OrderChangedV1,
    OrderDeletedV1,
    OrderPaidV1,
    OrderPlacedV1,
    OrderRefundedV1,
    StoreErasedV1,
    StoreUpsertedV1,
)
from libs.contracts.fact import Fact
from libs.contracts.loyalty import (
    PointsClawedBackV1,
    PointsEarnedV1,
    TierDowngradedV1,
    TierRetainedV1,
    TierUpgradedV1,
)
from libs.contracts.messaging import MessageHandedOffV1
from libs.eventbus.subscriptions import Reaction
from services.segmentation.application.workspace import Workspace
from services.segmentation.entrypoints import customer_reactions, order_reactions, timeline_reactions

TOPICS: Final = ("commerce", "loyalty", "messaging")

SUBSCRIPTIONS: Final[Mapping[type[Fact], Reaction[Workspace]]] = {
    MerchantRegisteredV1: customer_reactions.on_merchant_registered,
    StoreUpsertedV1: customer_reactions.on_store_upserted,
    StoreErasedV1: customer_reactions.on_store_erased,
    CustomerRegisteredV1: customer_reactions.on_customer_registered,
    CustomerUpdatedV1: customer_reactions.on_customer_updated,
    CustomerMergedV1: customer_reactions.on_customer_merged,
    CustomerUnmergedV1: customer_reactions.on_customer_unmerged,
    CustomerErasedV1: customer_reactions.on_customer_erased,
    CustomerDataRequestedV1: customer_reactions.on_customer_data_requested,
    OrderPlacedV1: order_reactions.on_order_placed,
    OrderChangedV1: order_reactions.on_order_changed,
    OrderPaidV1: order_reactions.on_order_paid,
    OrderCancelledV1: order_reactions.on_order_cancelled,
    OrderDeletedV1: order_reactions.on_order_deleted,
    OrderRefundedV1: order_reactions.on_order_refunded,
    PointsEarnedV1: timeline_reactions.on_points_earned,
    PointsClawedBackV1: timeline_reactions.on_points_clawed_back,
    TierUpgradedV1: timeline_reactions.on_tier_decided,
    TierDowngradedV1: timeline_reactions.on_tier_decided,
    TierRetainedV1: timeline_reactions.on_tier_decided,
    MessageHandedOffV1: timeline_reactions.on_message_handed_off,
}
