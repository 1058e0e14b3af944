"""Consent to marketing of Shopify's customers.

Source: shopify.dev, GraphQL Admin API 2026-04, "customerEmailMarketingConsentUpdate",
"customerSmsMarketingConsentUpdate": of several statements the one with the newest `consentUpdatedAt` holds, so that a
withdrawal that comes late undoes no later subscription. The token needs the scope `write_customers`; the customer needs
an address on the channel.
"""

import re
from collections.abc import Mapping
from typing import Final

import httpx

from libs.contracts.fact import rfc3339
from services.order_ingest.adapters.store_apis.shopify_graphql import complaints, execute
from services.order_ingest.application.store_apis import Access, ApiRefuses, Unsubscription

_ID: Final = re.compile("[0-9]{1,20}")
_EMAIL: Final = """mutation Unsubscribe($input: CustomerEmailMarketingConsentUpdateInput!) {
  customerEmailMarketingConsentUpdate(input: $input) { userErrors { code field } }
}"""
_SMS: Final = """mutation UnsubscribeSms($input: CustomerSmsMarketingConsentUpdateInput!) {
  customerSmsMarketingConsentUpdate(input: $input) { userErrors { code field } }
}"""
_BY_CHANNEL: Final[Mapping[str, tuple[str, str]]] = {
    "email": (_EMAIL, "emailMarketingConsent"),
    "sms": (_SMS, "smsMarketingConsent"),
}


class ShopifyConsents:
    """Tells a shop with its access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def unsubscribe(self, access: Access, unsubscription: Unsubscription) -> None:
        """The withdrawal is among the customer's statements, with the time at which it was made."""
        if not _ID.fullmatch(unsubscription.external_id):
            raise ApiRefuses("the customer's id is none of Shopify's")
        operation, name = _BY_CHANNEL[unsubscription.channel]
        consent = {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": rfc3339(unsubscription.at)}
        customer = {"customerId": f"gid://shopify/Customer/{unsubscription.external_id}", name: consent}
        answer = await execute(self._http, access, operation, {"input": customer})
        if refusals := complaints(answer):
            raise ApiRefuses(f"Shopify does not take the withdrawal: {', '.join(refusals[:3])}")
