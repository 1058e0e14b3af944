"""What order-ingest listens to, and what it does about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from libs.contracts.coupons import CouponIssuedV1
from libs.contracts.fact import Fact
from libs.contracts.messaging import ConsentChangedV1
from libs.contracts.privacy import DataExportCompletedV1, ErasureCompletedV1
from libs.eventbus.subscriptions import Reaction
from services.order_ingest.application.hear_answer import hear_of_erasure, hear_of_export
from services.order_ingest.application.hearing import Hearing
from services.order_ingest.application.publish_coupon import publish_coupon
from services.order_ingest.application.push_withdrawal import push_withdrawal

TOPICS: Final = ("loyalty", "segmentation", "messaging")

SUBSCRIPTIONS: Final[Mapping[type[Fact], Reaction[Hearing]]] = MappingProxyType(
    {
        CouponIssuedV1: publish_coupon,
        ConsentChangedV1: push_withdrawal,
        ErasureCompletedV1: hear_of_erasure,
        DataExportCompletedV1: hear_of_export,
    }
)
