"""Subscribers to the newsletter of BigCommerce's stores.

Source: developer.bigcommerce.com, "Customers V3", "Get All Customers"; "Subscribers", "Get Subscribers", "Delete a
Subscriber". Who is subscribed is an e-mail address and no customer, so that the customer's address is asked for first.
Subscribers are deleted by their id, one by one: a deletion by filter deletes all of them where the filter is passed
over. The token needs the OAuth scope `store_v2_customers`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.bigcommerce import headers
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses, Unsubscription

_ID: Final = re.compile("[0-9]{1,18}")


class BigcommerceConsents:
    """Tells a store with its access token; of channels there is only e-mail."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def unsubscribe(self, access: Access, unsubscription: Unsubscription) -> None:
        """The customer's address is none of the newsletter's subscribers."""
        if not _ID.fullmatch(unsubscription.external_id):
            raise ApiRefuses("the customer's id is none of BigCommerce's")
        for customer in await self._rows(access, "/v3/customers", {"id:in": unsubscription.external_id}):
            email = customer.get("email")
            if str(customer.get("id")) == unsubscription.external_id and isinstance(email, str) and email:
                await self._delete_subscribers(access, email)

    async def _delete_subscribers(self, access: Access, email: str) -> None:
        for subscriber in await self._rows(access, "/v3/customers/subscribers", {"email": email}):
            number = subscriber.get("id")
            if isinstance(number, int) and str(subscriber.get("email")).casefold() == email.casefold():
                url = f"{access.base_url}/v3/customers/subscribers/{number}"
                await ask(self._http, "DELETE", url, headers=headers(access))

    async def _rows(self, access: Access, path: str, params: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        answer = await ask(self._http, "GET", f"{access.base_url}{path}", headers=headers(access), params=params)
        if answer is None:
            raise ApiRefuses(f"there is no {path} at this address")
        found = answer.json()
        rows = found.get("data") if isinstance(found, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ApiAway("the answer has no rows")
        return rows
