"""One example of every fact version, every field filled: the golden files hold their JSON.

`python -m tests.libs.contracts.examples order.placed.v1` prints the file of a new fact version.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts import commerce, control, coupons, loyalty, messaging, privacy, segmentation
from libs.contracts.fact import Fact

AT = datetime(2026, 3, 9, 12, 30, 15, 250000, tzinfo=UTC)
LATER = datetime(2026, 4, 8, 12, 30, 15, 250000, tzinfo=UTC)
VERSION = 1773059415250000
CHAIN = "00112233445566778899aabbccddeeff"


def _id(number: int) -> UUID:
    return UUID(int=(0x0195_7A00_0000_7000_8000 << 48) + number)


CUSTOMER, OTHER, ORDER, STORE, LINE, PRODUCT = (_id(number) for number in range(1, 7))
MERCHANT, PROGRAMME, ENTRY, RULE, SEGMENT, FACT = (_id(number) for number in range(11, 17))
INTENT, MESSAGE, TEMPLATE, JOURNEY, CAMPAIGN = (_id(number) for number in range(21, 26))

PROOF = commerce.ConsentProof(source="checkout", text_version="2026-01", ip_hash="9f86d081", at=AT)
BALANCE = loyalty.PointsBalance(usable=120, pending=59, held=10, debt=0)
CAUSE = loyalty.PointsCause(fact_id=FACT, order_id=ORDER, line_id=LINE, rule_id=RULE, rule_version=3)


def _profile(*, at_field: str) -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "identity_version": 4,
        "store_id": STORE,
        "contact_sealed": "gAAAAABl-sealed",
        "email_hash": "5e884898da280471",
        "phone_hash": "6cf615d5bcaac778",
        "locale": "zh-CN",
        "time_zone": "Asia/Shanghai",
        "birth_on": date(1990, 2, 28),
        "anonymous": False,
        "accepts_marketing": True,
        "platform_tags": ("VIP", "wholesale"),
        at_field: AT,
    }


def _order() -> dict[str, object]:
    line = commerce.OrderLine(
        line_id=LINE,
        product_id=PRODUCT,
        variant="500 g",
        title="Jasmine tea",
        quantity=2,
        unit_price_minor=3290,
        discount_minor=658,
        tax_minor=340,
        total_minor=5922,
        unit_cost_minor=1200,
        gift_card=False,
        brand="Cloud Leaf",
        category_path=("Food", "Tea"),
        material="leaf",
        category_type="same_item",
        units=50,
    )
    return {
        "customer_id": CUSTOMER,
        "order_id": ORDER,
        "store_id": STORE,
        "external_order_id": "5301",
        "number": "#1001",
        "placed_at": AT,
        "version": VERSION,
        "channel": "web",
        "acquisition": commerce.Acquisition(source="newsletter", cost_minor=150),
        "currency": "CNY",
        "subtotal_minor": 5922,
        "discount_minor": 658,
        "tax_minor": 340,
        "tax_included": True,
        "shipping_minor": 800,
        "gift_card_minor": 100,
        "total_minor": 6722,
        "financial_status": "paid",
        "points_used": 10,
        "coupon_codes": ("SPRING",),
        "recipient_customer_id": OTHER,
        "return_window_ends_at": LATER,
        "time_zone": "Asia/Shanghai",
        "fx": commerce.Fx(to="EUR", rate=Decimal("0.1274"), source="ecb", at=AT),
        "lines": (line,),
    }


def _order_step() -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "order_id": ORDER,
        "store_id": STORE,
        "currency": "CNY",
        "at": AT,
        "version": VERSION,
    }


def _entry() -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "programme_id": PROGRAMME,
        "entry_id": ENTRY,
        "wallet": "points",
        "points": 59,
        "balance": BALANCE,
        "cause": CAUSE,
        "at": AT,
    }


def _tier(from_tier: str | None, to_tier: str | None) -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "programme_id": PROGRAMME,
        "programme_version": 2,
        "from_tier": from_tier,
        "to_tier": to_tier,
        "since": AT,
        "valid_until": LATER,
        "measure": loyalty.TierMeasure(qualifying_minor=61200, currency="CNY", next_tier="Gold", missing_minor=138800),
    }


def _segment_move() -> dict[str, object]:
    return {
        "customer_id": CUSTOMER,
        "segment_id": SEGMENT,
        "segment_version": 1,
        "name": "discount_regulars",
        "at": AT,
        "cause_fact_ids": (FACT,),
        "author": "default",
    }


def _lane() -> dict[str, object]:
    return {"source": "order-ingest", "topic": "commerce", "lane": 7}


def _commerce() -> Iterable[Fact]:
    yield commerce.MerchantRegisteredV1(
        merchant_id=MERCHANT, name="Cloud Leaf", currency="CNY", time_zone="Asia/Shanghai", registered_at=AT
    )
    yield commerce.StoreUpsertedV1(
        store_id=STORE,
        platform="shopify",
        account="cloud-leaf",
        site="cn",
        domain="cloud-leaf.example",
        name="Cloud Leaf Tea",
        currency="CNY",
        time_zone="Asia/Shanghai",
        locale="zh-CN",
        policy_pack="cn",
        return_window_days=30,
        version=VERSION,
        at=AT,
    )
    yield commerce.ProductUpsertedV1(
        product_id=PRODUCT,
        store_id=STORE,
        external_product_id="8801",
        external_variant_ids=("9901", "9902"),
        title="Jasmine tea",
        brand="Cloud Leaf",
        category_path=("Food", "Tea"),
        material="leaf",
        category_type="same_item",
        units=50,
        daily_use=Decimal("1.5"),
        care_tips=("Keep it dry",),
        price_minor=3290,
        currency="CNY",
        version=VERSION,
        at=AT,
    )
    yield commerce.ImportStartedV1(import_id=_id(31), store_id=STORE, expected_rows=153302, started_at=AT)
    yield commerce.ImportFinishedV1(
        import_id=_id(31),
        store_id=STORE,
        read_rows=153302,
        accepted_rows=153290,
        duplicate_rows=10,
        rejected_rows=2,
        finished_at=LATER,
    )
    yield commerce.CustomerRegisteredV1.model_validate(_profile(at_field="registered_at"))
    yield commerce.CustomerUpdatedV1.model_validate(_profile(at_field="updated_at"))
    yield commerce.CustomerMergedV1(
        customer_id=CUSTOMER, into_customer_id=OTHER, merge_id=_id(32), identity_version=5, merged_at=AT
    )
    yield commerce.CustomerUnmergedV1(
        customer_id=OTHER,
        merge_id=_id(32),
        restored_customer_id=CUSTOMER,
        survivor_customer_id=OTHER,
        order_ids=(ORDER,),
        identity_version=6,
        unmerged_at=AT,
    )
    yield commerce.CustomerErasedV1(
        customer_id=CUSTOMER,
        identity_version=6,
        request_id=_id(33),
        email_hash="5e884898da280471",
        phone_hash="6cf615d5bcaac778",
        erased_at=AT,
    )
    yield commerce.ConsentCapturedV1(
        customer_id=CUSTOMER,
        channel="email",
        topic="marketing",
        state="subscribed",
        snapshot=False,
        store_id=STORE,
        proof=PROOF,
    )


def _orders() -> Iterable[Fact]:
    refund_line = commerce.RefundLine(line_id=LINE, quantity=1, amount_minor=2961, tax_minor=170)
    yield commerce.OrderPlacedV1.model_validate(_order())
    yield commerce.OrderChangedV1.model_validate(_order())
    yield commerce.OrderPaidV1.model_validate(_order_step())
    yield commerce.OrderCancelledV1.model_validate({**_order_step(), "reason": "customer"})
    yield commerce.OrderDeletedV1.model_validate({**_order_step(), "reason": "test order"})
    yield commerce.OrderRefundedV1(
        customer_id=CUSTOMER,
        order_id=ORDER,
        store_id=STORE,
        refund_id=_id(34),
        at=AT,
        version=VERSION,
        currency="CNY",
        lines=(refund_line,),
        shipping_minor=800,
        amount_minor=3761,
        cumulative_lines=(refund_line,),
        cumulative_shipping_minor=800,
        cumulative_amount_minor=3761,
        fully_refunded=False,
        reason="damaged",
    )
    yield from _goods({"customer_id": CUSTOMER, "order_id": ORDER, "store_id": STORE, "at": AT, "version": VERSION})


def _goods(order: dict[str, Any]) -> Iterable[Fact]:
    lines = (commerce.MovedLine(line_id=LINE, quantity=1),)
    returned = {"return_id": _id(36), "lines": lines, "reason": "damaged"}
    yield commerce.OrderFulfilledV1(**order, fulfilment_id=_id(35), lines=lines)
    yield commerce.OrderDeliveredV1(**order, fulfilment_id=_id(35))
    yield commerce.OrderCompletedV1(**order)
    yield commerce.ReturnRequestedV1(**order, **returned)
    yield commerce.ReturnClosedV1(**order, **returned, outcome="closed")


def _happenings() -> Iterable[Fact]:
    whose: dict[str, Any] = {"customer_id": CUSTOMER, "store_id": STORE, "at": AT}
    opinion: dict[str, Any] = {
        "product_id": PRODUCT,
        "order_id": ORDER,
        "rating": 4,
        "sentiment": "positive",
        "text": "Smells of spring",
        "verified": True,
    }
    ticket: dict[str, Any] = {"ticket_id": _id(43), "channel": "email", "order_id": ORDER, "topic": "delivery"}
    yield commerce.ReviewPostedV1(**whose, review_id=_id(40), **opinion)
    yield commerce.FeedbackReceivedV1(**whose, feedback_id=_id(41), **opinion)
    yield commerce.BuyerMessageReceivedV1(
        **whose,
        message_id=_id(42),
        conversation_id=_id(47),
        channel="email",
        text_sealed="gAAAAABl-sealed",
        order_id=ORDER,
        topic="delivery",
    )
    yield commerce.TicketOpenedV1(**whose, **ticket)
    yield commerce.TicketResolvedV1(**whose, **ticket)
    yield commerce.SocialActionPerformedV1(
        **whose, action_id=_id(44), channel="xiaohongshu", action="share", proof="https://example.com/p/1"
    )
    yield commerce.CustomerEventRecordedV1(
        **whose, event_id=_id(45), name="guide_read", properties={"guide": "brewing", "minutes": 4, "to_the_end": True}
    )
    yield commerce.CheckoutStartedV1(
        **whose, checkout_id=_id(46), total_minor=6580, currency="CNY", properties={"step": "address"}
    )
    yield commerce.VisitsReportedV1(store_id=STORE, day=date(2026, 3, 8), count=1204, at=AT)


def _subscriptions() -> Iterable[Fact]:
    subscription: dict[str, Any] = {
        "customer_id": CUSTOMER,
        "store_id": STORE,
        "subscription_id": _id(48),
        "recipient_customer_id": OTHER,
        "product_ids": (PRODUCT,),
        "interval": "P1M",
        "order_id": ORDER,
        "at": AT,
    }
    yield commerce.SubscriptionStartedV1(**subscription, next_at=LATER)
    yield commerce.SubscriptionRenewedV1(**subscription, next_at=LATER)
    yield commerce.SubscriptionEndedV1(**subscription, reason="child has grown out of it")


def _privacy() -> Iterable[Fact]:
    request = _id(61)
    yield commerce.CustomerDataRequestedV1(customer_id=CUSTOMER, request_id=request, requested_at=AT)
    yield commerce.StoreDisconnectedV1(store_id=STORE, reason="uninstalled", at=AT)
    yield commerce.StoreErasedV1(store_id=STORE, request_id=request, erased_at=AT)
    yield privacy.ErasureCompletedV1(
        erased_id=CUSTOMER, kind="customer", request_id=request, service="loyalty", completed_at=AT
    )
    yield privacy.DataExportCompletedV1(
        customer_id=CUSTOMER,
        request_id=request,
        service="loyalty",
        part=1,
        parts=2,
        data_sealed="gAAAAABl-sealed",
        completed_at=AT,
    )


def _coupons() -> Iterable[Fact]:
    coupon = _id(62)
    yield coupons.CouponIssuedV1(
        customer_id=CUSTOMER,
        coupon_id=coupon,
        reward_id=_id(63),
        store_id=STORE,
        code_hash="5e884898da280471",
        code_sealed="gAAAAABl-sealed",
        discount=coupons.Discount(kind="amount", amount_minor=500, percent=Decimal("12.5")),
        currency="CNY",
        minimum_minor=5000,
        cost_minor=500,
        order_id=ORDER,
        starts_at=AT,
        ends_at=LATER,
        issued_at=AT,
    )
    yield commerce.CouponPublishedV1(
        customer_id=CUSTOMER, coupon_id=coupon, store_id=STORE, external_id="gid://shop/1", published_at=AT
    )
    yield commerce.CouponPublicationFailedV1(
        customer_id=CUSTOMER, coupon_id=coupon, store_id=STORE, reason="the code is taken", failed_at=AT
    )


def _dependants() -> Iterable[Fact]:
    yield commerce.DependantRecordedV1(
        customer_id=CUSTOMER,
        store_id=STORE,
        dependant_id=_id(49),
        version=2,
        nickname_sealed="gAAAAABl-sealed",
        birth_on=date(2025, 11, 3),
        due_on=date(2025, 11, 1),
        sex="female",
        removed=False,
        at=AT,
    )


def _loyalty() -> Iterable[Fact]:
    yield loyalty.MemberEnrolledV1(
        customer_id=CUSTOMER, programme_id=PROGRAMME, programme_version=2, source="order", enrolled_at=AT
    )
    yield loyalty.PointsEarnedV1.model_validate({**_entry(), "available_at": LATER, "expires_at": LATER})
    yield loyalty.PointsActivatedV1.model_validate({**_entry(), "expires_at": LATER})
    yield loyalty.PointsSpentV1.model_validate({**_entry(), "reason": "coupon"})
    yield loyalty.PointsReturnedV1.model_validate(
        {**_entry(), "available_at": AT, "expires_at": LATER, "reason": "coupon withdrawn"}
    )
    yield loyalty.PointsClawedBackV1.model_validate(
        {**_entry(), "taken": 40, "debt_added": 15, "absorbed": 4, "reason": "refund"}
    )
    yield loyalty.PointsExpiredV1.model_validate(_entry())
    yield loyalty.PointsAdjustedV1.model_validate({**_entry(), "points": -5, "reason": "goodwill", "actor": "anna"})
    yield loyalty.PointsTransferredV1.model_validate(
        {**_entry(), "to_customer_id": OTHER, "to_balance": BALANCE, "reason": "merge"}
    )
    yield loyalty.TierUpgradedV1.model_validate(_tier(None, "Silver"))
    yield loyalty.TierDowngradedV1.model_validate(_tier("Gold", "Silver"))
    yield loyalty.TierRetainedV1.model_validate(_tier("Silver", "Silver"))
    yield loyalty.ProgrammePublishedV1(
        programme_id=PROGRAMME, name="Leaves", version=2, currency="CNY", effective_at=AT, published_at=AT
    )


def _segmentation() -> Iterable[Fact]:
    yield segmentation.SegmentEnteredV1.model_validate(_segment_move())
    yield segmentation.SegmentLeftV1.model_validate(_segment_move())


def _messaging() -> Iterable[Fact]:
    yield messaging.MessageHandedOffV1(
        customer_id=CUSTOMER,
        message_id=MESSAGE,
        intent_id=INTENT,
        cause_fact_id=FACT,
        channel="email",
        message_class="marketing",
        template_id=TEMPLATE,
        template_version=1,
        journey_id=JOURNEY,
        campaign_id=CAMPAIGN,
        cost_minor=1,
        currency="CNY",
        at=AT,
    )
    yield messaging.MessageNotSentV1(
        customer_id=CUSTOMER,
        intent_id=INTENT,
        cause_fact_id=FACT,
        channel="email",
        message_class="marketing",
        template_id=TEMPLATE,
        outcome="suppressed",
        reason="consent",
        at=AT,
    )
    yield messaging.ConsentChangedV1(
        customer_id=CUSTOMER,
        channel="email",
        topic="marketing",
        from_state="subscribed",
        to_state="unsubscribed",
        proof=PROOF,
        at=AT,
    )


def _control() -> Iterable[Fact]:
    yield control.RewindRequestedV1.model_validate({**_lane(), "to": 41, "group": "loyalty", "requested_at": AT})
    yield control.LaneVerifyV1.model_validate(
        {**_lane(), "sequence": 42, "chain": CHAIN, "nonce": "n-1", "group": "loyalty", "requested_at": AT}
    )
    yield control.GroupReportedV1(
        source="order-ingest", topic="commerce", group="loyalty", marks={0: 12, 7: 41}, reported_at=AT
    )
    yield control.BusWatermarkV1(
        source="order-ingest",
        topic="commerce",
        partition=3,
        lanes={7: control.LaneHead(epoch=0, floor=1, head=42, chain=CHAIN)},
        at=AT,
    )
    yield control.BusRewoundV1.model_validate({**_lane(), "to": 41, "at": AT})
    yield control.BusRefusedV1.model_validate({**_lane(), "floor": 50, "at": AT})
    yield control.BusVerifiedV1.model_validate({**_lane(), "sequence": 42, "nonce": "n-1", "known": True, "at": AT})
    yield control.EpochStartedV1.model_validate(
        {
            **_lane(),
            "epoch": 1,
            "lineage": (control.Ancestor(epoch=0, last_sequence=42, chain=CHAIN),),
            "waypoints": (control.Ancestor(epoch=0, last_sequence=42, chain=CHAIN),),
            "incarnation": _id(35),
            "at": AT,
        }
    )


def examples() -> dict[str, Fact]:
    """Every fact version's example, by wire name."""
    ours = (_commerce(), _orders(), _happenings(), _subscriptions(), _dependants(), _privacy(), _coupons())
    theirs = (_loyalty(), _segmentation(), _messaging(), _control())
    return {fact.TYPE: fact for section in (*ours, *theirs) for fact in section}


def as_text(fact: Fact) -> str:
    """The fact as its golden file holds it."""
    return json.dumps(json.loads(fact.to_bytes()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text(examples()[sys.argv[1]]))
