"""The part of Shopify's GraphQL Admin API 2026-04 that the stand-in has, and its scalars.

Source: shopify.dev, GraphQL Admin API 2026-04, the pages of each type below. Whatever is not in it is refused.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema, build_schema

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SDL: Final = """
scalar DateTime
scalar Decimal

type Query {
  codeDiscountNodeByCode(code: String!): DiscountCodeNode
  webhookSubscriptions(
    after: String before: String first: Int last: Int query: String reverse: Boolean topics: [WebhookSubscriptionTopic!]
  ): WebhookSubscriptionConnection!
}
type WebhookSubscriptionConnection { nodes: [WebhookSubscription!]! pageInfo: PageInfo! }
type PageInfo { endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }
type WebhookSubscription {
  createdAt: DateTime! filter: String id: ID! includeFields: [String!]! name: String topic: WebhookSubscriptionTopic!
  updatedAt: DateTime! uri: String!
}
enum WebhookSubscriptionTopic { APP_UNINSTALLED ORDERS_CANCELLED ORDERS_CREATE ORDERS_UPDATED REFUNDS_CREATE }
type Mutation {
  discountCodeBasicCreate(basicCodeDiscount: DiscountCodeBasicInput!): DiscountCodePayload
  discountCodeFreeShippingCreate(freeShippingCodeDiscount: DiscountCodeFreeShippingInput!): DiscountCodePayload
  customerEmailMarketingConsentUpdate(input: CustomerEmailMarketingConsentUpdateInput!): ConsentPayload
  customerSmsMarketingConsentUpdate(input: CustomerSmsMarketingConsentUpdateInput!): ConsentPayload
}

type ConsentPayload { customer: Customer userErrors: [ConsentUserError!]! }
type ConsentUserError { code: ConsentErrorCode field: [String!] message: String! }
enum ConsentErrorCode { INCLUSION INTERNAL_ERROR INVALID MISSING_ARGUMENT NOT_INCLUDED }
type Customer { id: ID! }
input CustomerEmailMarketingConsentUpdateInput { customerId: ID! emailMarketingConsent: CustomerConsentInput! }
input CustomerSmsMarketingConsentUpdateInput { customerId: ID! smsMarketingConsent: CustomerConsentInput! }
input CustomerConsentInput {
  consentUpdatedAt: DateTime marketingOptInLevel: CustomerMarketingOptInLevel marketingState: MarketingState!
  sourceLocationId: ID
}
enum CustomerMarketingOptInLevel { CONFIRMED_OPT_IN SINGLE_OPT_IN UNKNOWN }
enum MarketingState { INVALID NOT_SUBSCRIBED PENDING REDACTED SUBSCRIBED UNSUBSCRIBED }

type DiscountCodePayload { codeDiscountNode: DiscountCodeNode userErrors: [DiscountUserError!]! }
type DiscountUserError { code: DiscountErrorCode extraInfo: String field: [String!] message: String! }
enum DiscountErrorCode {
  ACTIVE_PERIOD_OVERLAP BLANK CONFLICT DUPLICATE END_DATE_BEFORE_START_DATE EQUAL_TO EXCEEDED_MAX GREATER_THAN
  INCLUSION INTERNAL_ERROR INVALID LESS_THAN MISSING_ARGUMENT PRESENT TAKEN TOO_LONG VALUE_OUTSIDE_RANGE
}
type DiscountCodeNode { id: ID! codeDiscount: DiscountCode! }
union DiscountCode = DiscountCodeBasic | DiscountCodeFreeShipping | DiscountCodeApp
type DiscountCodeBasic { title: String! usageLimit: Int startsAt: DateTime! endsAt: DateTime }
type DiscountCodeFreeShipping { title: String! usageLimit: Int startsAt: DateTime! endsAt: DateTime }
type DiscountCodeApp { title: String! discountId: ID! }

input DiscountCodeBasicInput {
  appliesOncePerCustomer: Boolean code: String combinesWith: DiscountCombinesWithInput context: DiscountContextInput
  customerGets: DiscountCustomerGetsInput endsAt: DateTime minimumRequirement: DiscountMinimumRequirementInput
  recurringCycleLimit: Int startsAt: DateTime title: String usageLimit: Int
}
input DiscountCodeFreeShippingInput {
  appliesOncePerCustomer: Boolean appliesOnOneTimePurchase: Boolean appliesOnSubscription: Boolean code: String
  combinesWith: DiscountCombinesWithInput context: DiscountContextInput
  destination: DiscountShippingDestinationSelectionInput endsAt: DateTime maximumShippingPrice: Decimal
  minimumRequirement: DiscountMinimumRequirementInput recurringCycleLimit: Int startsAt: DateTime title: String
  usageLimit: Int
}
input DiscountCombinesWithInput { orderDiscounts: Boolean productDiscounts: Boolean shippingDiscounts: Boolean }
input DiscountContextInput { all: DiscountBuyerSelection }
enum DiscountBuyerSelection { ALL }
input DiscountCustomerGetsInput { items: DiscountItemsInput value: DiscountCustomerGetsValueInput }
input DiscountItemsInput { all: Boolean }
input DiscountCustomerGetsValueInput { discountAmount: DiscountAmountInput percentage: Float }
input DiscountAmountInput { amount: Decimal appliesOnEachItem: Boolean }
input DiscountMinimumRequirementInput { quantity: DiscountMinimumQuantityInput subtotal: DiscountMinimumSubtotalInput }
input DiscountMinimumQuantityInput { greaterThanOrEqualToQuantity: String }
input DiscountMinimumSubtotalInput { greaterThanOrEqualToSubtotal: Decimal }
input DiscountShippingDestinationSelectionInput { all: Boolean }
"""


def admin_schema() -> GraphQLSchema:
    """The schema, with scalars that take only what their pages name."""
    schema = build_schema(_SDL)
    for name, parse in (("DateTime", _date_time), ("Decimal", _decimal)):
        scalar = schema.type_map[name]
        assert isinstance(scalar, GraphQLScalarType)
        scalar.coerce_input_value = _refusing(name, parse)
    return schema


def _refusing(name: str, parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, str):
            raise GraphQLError(f"{name} must be a string")
        try:
            return parse(value)
        except (ValueError, InvalidOperation):
            raise GraphQLError(f"{name} is malformed") from None

    return checked


def _date_time(value: str) -> str:
    if not _INSTANT.fullmatch(value):
        raise ValueError(value)
    return value


def _decimal(value: str) -> Decimal:
    return Decimal(value)
