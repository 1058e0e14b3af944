"""Magento's way of searching, and what it finds.

Source: developer.adobe.com/commerce/webapi/rest/use-rest, "Search using REST endpoints", "Retrieve filtered responses
for REST endpoints": filters of one group are joined by OR, groups by AND.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import httpx

from services.order_ingest.adapters.store_apis.asking import ask
from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import Access, ApiAway, ApiRefuses

_ID: Final = re.compile("[1-9][0-9]{0,9}")
"""Ids are numbers of four bytes, counted from 1."""
_SECOND: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


class Filter(NamedTuple):
    """One condition on a top-level field."""

    field: str
    condition: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for: these `fields` of the first `size` rows in ascending order of `sort`."""

    groups: Sequence[Sequence[Filter]]
    sort: Sequence[str]
    size: int
    fields: str

    def params(self) -> Mapping[str, str]:
        """The query parameters. Without a page size some shops answer all rows, others twenty."""
        found = {"searchCriteria[pageSize]": str(self.size), "searchCriteria[currentPage]": "1"}
        for at, group in enumerate(self.groups):
            for place, condition in enumerate(group):
                name = f"searchCriteria[filter_groups][{at}][filters][{place}]"
                found |= {
                    f"{name}[field]": condition.field,
                    f"{name}[value]": condition.value,
                    f"{name}[condition_type]": condition.condition,
                }
        for place, field in enumerate(self.sort):
            found[f"searchCriteria[sortOrders][{place}][field]"] = field
            found[f"searchCriteria[sortOrders][{place}][direction]"] = "ASC"
        return found | {"fields": f"items[{self.fields}],total_count"}


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one page, each as it was written, and whether there are more behind them."""

    rows: Sequence[bytes]
    more: bool


def headers(access: Access) -> Mapping[str, str]:
    """Whoever asks is known by an integration's access token."""
    return {"Authorization": f"Bearer {access.credentials['access_token']}", "Accept": "application/json"}


async def search(http: httpx.AsyncClient, access: Access, kind: str, sought: Search) -> Found:
    """The first page of what is sought among the shop's `kind`: orders, invoices, shipments or creditmemos.

    Raises:
        ApiAway: no answer, or not a list.
        ApiRefuses: the token has no right to it, or the address is not a store's.
    """
    url = f"{access.base_url}/rest/V1/{kind}"
    answer = await ask(http, "GET", url, headers=headers(access), params=sought.params())
    if answer is None:
        raise ApiRefuses(f"there is no {httpx.URL(url).path} at this address")
    rows = value(answer.body, "items")
    # An empty list of which only some fields are asked for becomes null.
    return _found([] if rows == b"null" else elements(rows, None), value(answer.body, "total_count"))


def is_id(text: str) -> bool:
    """Whether something of Magento's can have this id."""
    return _ID.fullmatch(text) is not None


def id_of(row: bytes, name: str) -> str:
    """The id under `name` in the row.

    Raises:
        ApiAway: there is none.
    """
    found = value(row, name).decode().strip('"')
    if not is_id(found):
        raise ApiAway(f"a row of the answer has no {name}")
    return found


def time_of(row: bytes, name: str) -> str:
    """The second under `name` in the row, as Magento writes and compares it.

    Raises:
        ApiAway: there is none.
    """
    found = value(row, name).decode().strip('"')
    if not _SECOND.fullmatch(found):
        raise ApiAway(f"a row of the answer has no {name}")
    return found


def _found(rows: Sequence[bytes], count: bytes) -> Found:
    if not count.isdigit():
        raise ApiAway("the answer does not say how many there are")
    return Found(rows, bool(rows) and len(rows) < int(count))
