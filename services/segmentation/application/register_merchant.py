"""A merchant exists here, with working defaults."""

from libs.contracts.envelope import Event
from libs.contracts.fact import Fact
from services.segmentation.application.keep_segments import keep_segments
from services.segmentation.application.record_order import move_contribution
from services.segmentation.application.workspace import Registration, Workspace
from services.segmentation.domain.contribution import contribution
from services.segmentation.domain.segment import default_segment


def register_merchant(workspace: Workspace, event: Event[Fact], registration: Registration) -> None:
    """The merchant has its currency and the default segment; told again, only its name and time zone may change.

    Orders of the merchant may have come first, since no order is promised between keys: their money counts from
    now on, and their customers are in the segment that fits.
    """
    shop = workspace.shop(event.merchant_id)
    shop.registration = registration
    if shop.currency is not None:
        return
    was, shop.currency = shop.currency, registration.currency
    segment = default_segment(event.merchant_id)
    shop.segments[segment.segment_id] = segment
    shop.new_segments.append(segment)
    for order in shop.orders.values():
        owner = shop.owner(order.owner_id)
        move_contribution(shop, (owner, contribution(order, was)), (owner, contribution(order, shop.currency)))
    for customer_id in sorted(shop.customers):
        keep_segments(workspace, shop, customer_id, event)
