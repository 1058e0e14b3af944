"""Consent to marketing of Shoplazza's (店匠) customers.

Source: shoplazza.dev, "Customer Properties", "Update Customer" (API 2022-01). There both channels are named, and each
"defaults to true": a change of one alone might subscribe the customer to the other. So the customer is read first and
both are sent. The token needs the scopes `read_customer` and `write_customer`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.shoplazza import headers
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Unsubscription

_ID: Final = re.compile("[0-9A-Za-z_-]{1,128}")
_FLAGS: Final[Mapping[str, str]] = {"email": "accepts_marketing", "sms": "accepts_sms_marketing"}


class ShoplazzaConsents:
    """Tells a shop with its access token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def unsubscribe(self, access: Access, unsubscription: Unsubscription) -> None:
        """The customer accepts no marketing on the channel; the other channel is as it was."""
        if not _ID.fullmatch(unsubscription.external_id):
            raise ApiRefuses("the customer's id is none of Shoplazza's")
        url = f"{access.base_url}/openapi/2022-01/customers/{unsubscription.external_id}"
        found = await ask(self._http, "GET", url, headers=headers(access))
        if found is None:
            return
        accepts = _accepts(found.json())
        if accepts[_FLAGS[unsubscription.channel]]:
            accepts[_FLAGS[unsubscription.channel]] = False
            await ask(self._http, "PUT", url, headers=headers(access), document={"customer": accepts})


def _accepts(answer: Any) -> dict[str, bool]:
    customer = answer.get("customer") if isinstance(answer, dict) else None
    stated = customer if isinstance(customer, dict) else {}
    found = {flag: stated[flag] for flag in _FLAGS.values() if isinstance(stated.get(flag), bool)}
    if len(found) < len(_FLAGS):
        raise ApiAway("the answer does not say what the customer accepts")
    return found
