"""A stand-in of Magento's REST API for sales, stricter than Magento: what is not documented is refused, not ignored.

Source: developer.adobe.com/commerce/webapi, "Construct a request", "Token-based authentication", "Status codes and
responses", "Search using REST endpoints", "Retrieve filtered responses for REST endpoints", "API security" (input
limiting); `Magento\\Sales\\Api\\Data\\OrderInterface` and its like for the names of fields.
"""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Body = dict[str, Any]
Tree = dict[str, Any]

TOKEN = "vbnf3hjklp5iuytre"
BASE_URL = "https://shop.example.com/shop"
_ROOT = "/shop/rest/V1"
_LARGEST_PAGE = 300
_FILTER = re.compile(r"searchCriteria\[filter_groups]\[(\d+)]\[filters]\[(\d+)]\[(field|value|condition_type)]")
_SORT = re.compile(r"searchCriteria\[sortOrders]\[(\d+)]\[(field|direction)]")
_PAGING = {"searchCriteria[pageSize]", "searchCriteria[currentPage]"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "gt": lambda value, wanted: value > wanted,
    "gteq": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "lteq": lambda value, wanted: value <= wanted,
    "in": lambda value, wanted: value in wanted,
}


def _tree(names: str, **inner: Tree) -> Tree:
    return {**dict.fromkeys(names.split()), **inner}


_ADDRESS = _tree("address_type city company country_id email firstname lastname postcode region street telephone")
_ROW_MONEY = "row_total discount_amount discount_tax_compensation_amount tax_amount weee_tax_applied_row_amount"
_ROW = _tree(
    "item_id order_id parent_item_id product_id product_type name sku qty_ordered qty_canceled qty_invoiced"
    " qty_refunded qty_shipped price base_price price_incl_tax original_price row_total_incl_tax is_virtual "
    + _ROW_MONEY
)
_DOCUMENTED: Mapping[str, Tree] = {
    "orders": _tree(
        "entity_id increment_id state status store_id store_name created_at updated_at order_currency_code"
        " base_currency_code coupon_code grand_total subtotal tax_amount discount_amount"
        " discount_tax_compensation_amount total_paid total_due total_refunded total_invoiced shipping_amount"
        " shipping_discount_amount shipping_discount_tax_compensation_amount shipping_tax_amount shipping_incl_tax"
        " total_canceled subtotal_canceled tax_canceled discount_canceled shipping_canceled customer_id"
        " customer_is_guest customer_email customer_firstname customer_lastname customer_dob remote_ip",
        items=_ROW,
        billing_address=_ADDRESS,
        payment=_tree("method amount_authorized amount_ordered amount_paid cc_last4"),
        extension_attributes={
            "shipping_assignments": {"shipping": {"address": _ADDRESS, "method": None, "total": None}, "items": _ROW}
        },
    ),
    "creditmemos": _tree(
        "entity_id order_id invoice_id increment_id state created_at updated_at grand_total subtotal tax_amount"
        " order_currency_code adjustment adjustment_positive adjustment_negative shipping_amount shipping_tax_amount"
        " discount_amount shipping_discount_tax_compensation_amount comments",
        items=_tree("entity_id parent_id order_item_id product_id name sku qty price " + _ROW_MONEY),
    ),
    "shipments": _tree(
        "entity_id order_id customer_id increment_id total_qty shipping_label packages tracks created_at updated_at",
        items=_tree("entity_id parent_id order_item_id product_id name sku qty"),
    ),
    "invoices": _tree(
        "entity_id order_id increment_id state created_at updated_at grand_total total_qty order_currency_code",
        items=_tree("entity_id parent_id order_item_id qty row_total"),
    ),
}


class _Refused(Exception):
    def __init__(self, status: int, message: str, **parameters: str) -> None:
        super().__init__(message)
        self.answer = JSONResponse({"message": message, "parameters": parameters}, status)


class MagentoServer:
    """One store. `asked` is the kind and the parameters of every question, refused ones too.

    With `heeds_filters` off it answers every search with its first rows, as a shop behind a faulty module may.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heeds_filters = True
        self._rows: dict[str, dict[int, Body]] = {kind: {} for kind in _DOCUMENTED}
        self._failures: deque[Response | None] = deque()
        lists = [Route(f"{_ROOT}/{kind}", self._search_of(kind), methods=["GET"]) for kind in _DOCUMENTED]
        one = Route(f"{_ROOT}/orders/{{entity_id}}", self._one, methods=["GET"])
        self.app = Starlette(routes=[*lists, one], exception_handlers={404: self._no_route, 405: self._no_route})

    def put(self, order: Body, kind: str = "orders") -> None:
        """The order, or what belongs to one, is there, in place of an older one of its id."""
        self._rows[kind][int(order["entity_id"])] = order

    def fail_next(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"", *, after: int = 0
    ) -> None:
        """The next question, after so many that are answered, is answered like this, whatever it is."""
        self._failures += [*([None] * after), Response(body, status, dict(headers or {}))]

    def _search_of(self, kind: str) -> Callable[[Request], Any]:
        async def search(request: Request) -> Response:
            """A page of what matches. Source: "Search using REST endpoints"."""
            return self._answered(request, kind, lambda query: self._page(kind, query))

        return search

    async def _one(self, request: Request) -> Response:
        """One order. Source: "Order processing tutorial", step 7."""
        return self._answered(request, "order", lambda query: self._single(request.path_params["entity_id"], query))

    async def _no_route(self, request: Request, error: Exception) -> Response:
        """What is neither a path nor a method of the API. Source: "Status codes and responses"."""
        status: int = getattr(error, "status_code", 404)
        return JSONResponse({"message": "Request does not match any route."}, status)

    def _answered(self, request: Request, kind: str, answer: Callable[[dict[str, str]], Any]) -> Response:
        query = dict(request.query_params.multi_items())
        self.asked.append((kind, query))
        failure = self._failures.popleft() if self._failures else None
        if failure is not None:
            return failure
        try:
            _check_headers(request)
            if len(query) != len(request.query_params.multi_items()):
                raise _Refused(400, "A parameter stands twice.")
            return Response(json.dumps(answer(query)), media_type="application/json; charset=utf-8")
        except _Refused as refusal:
            return refusal.answer

    def _single(self, entity_id: str, query: dict[str, str]) -> Any:
        if set(query) - {"fields"} or not entity_id.isdecimal() or not int(entity_id):
            raise _Refused(400, "An ID is needed. Set the ID and try again.")
        row = self._rows["orders"].get(int(entity_id))
        if row is None:
            raise _Refused(404, "The entity that was requested doesn't exist. Verify the entity and try again.")
        return _only(row, _fields(query["fields"], _DOCUMENTED["orders"])) if "fields" in query else row

    def _page(self, kind: str, query: dict[str, str]) -> Any:
        groups, sort, size, page = _criteria(query, _DOCUMENTED[kind])
        found = [row for row in self._rows[kind].values() if not self.heeds_filters or _matches(row, groups)]
        found.sort(key=lambda row: tuple(row[field] for field, _ in sort))
        # Beyond the last page the last one is answered again. Source: `Magento\Framework\Data\Collection::getCurPage`.
        last_page = max(1, -(-len(found) // size))
        start = (min(page, last_page) - 1) * size
        answer = {"items": found[start : start + size], "search_criteria": {}, "total_count": len(found)}
        if "fields" not in query:
            return answer
        documented = {"items": _DOCUMENTED[kind], "search_criteria": None, "total_count": None}
        return _only(answer, _fields(query["fields"], documented))


def _check_headers(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise _Refused(401, "The consumer isn't authorized to access %resources.", resources="Magento_Sales::sales")
    if request.headers.get("accept") != "application/json":
        raise _Refused(406, "Server cannot match any of the given Accept HTTP header media type(s).")


def _criteria(query: dict[str, str], documented: Tree) -> tuple[Any, Sequence[tuple[str, str]], int, int]:
    filters: dict[tuple[int, int], dict[str, str]] = {}
    sorts: dict[int, dict[str, str]] = {}
    for name, value in query.items():
        if found := _FILTER.fullmatch(name):
            filters.setdefault((int(found[1]), int(found[2])), {})[found[3]] = value
        elif found := _SORT.fullmatch(name):
            sorts.setdefault(int(found[1]), {})[found[2]] = value
        elif name not in _PAGING and name != "fields":
            raise _Refused(400, f"{name} is not documented")
    _check_places(filters, sorts)
    checked = {place: _filter(parts, documented) for place, parts in filters.items()}
    groups = [[each for (at, _), each in checked.items() if at == group] for group in {at for at, _ in checked}]
    size = _number(query, "searchCriteria[pageSize]", _LARGEST_PAGE)
    return (
        groups,
        [_sort(parts, documented) for parts in sorts.values()],
        size,
        _number(query, "searchCriteria[currentPage]", 10**6),
    )


def _check_places(filters: Mapping[tuple[int, int], Any], sorts: Mapping[int, Any]) -> None:
    groups = sorted({group for group, _ in filters})
    places = [sorted(place for at, place in filters if at == group) for group in groups]
    for numbers in (groups, *places, sorted(sorts)):
        if numbers != list(range(len(numbers))):
            raise _Refused(400, "indexes start with 0 and leave none out")


def _filter(parts: Mapping[str, str], documented: Tree) -> tuple[str, str, Any]:
    field, condition = parts.get("field", ""), parts.get("condition_type", "")
    if set(parts) != {"field", "value", "condition_type"} or field not in documented or condition not in _CONDITIONS:
        raise _Refused(400, f"not a filter: {dict(parts)}")
    values = parts["value"].split(",") if condition == "in" else [parts["value"]]
    is_time = field.endswith("_at")
    if not all(_TIME.fullmatch(value) if is_time else re.fullmatch("[1-9][0-9]*", value) for value in values):
        raise _Refused(400, f"not a value of {field}")
    wanted = values if is_time else [int(value) for value in values]
    return field, condition, wanted if condition == "in" else wanted[0]


def _sort(parts: Mapping[str, str], documented: Tree) -> tuple[str, str]:
    if parts.get("field") not in documented or parts.get("direction") != "ASC":
        # Descending order is documented, and asked for by nobody here.
        raise _Refused(400, f"not an order: {dict(parts)}")
    return parts["field"], parts["direction"]


def _number(query: Mapping[str, str], name: str, most: int) -> int:
    value = query.get(name, "")
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise _Refused(400, f"{name} must be from 1 to {most}")
    return int(value)


def _matches(row: Body, groups: Sequence[Sequence[tuple[str, str, Any]]]) -> bool:
    return all(
        any(_CONDITIONS[condition](row[field], wanted) for field, condition, wanted in group) for group in groups
    )


def _fields(text: str, documented: Tree) -> Tree:
    """The fields that are asked for, all of them documented. Source: "Retrieve filtered responses"."""
    tokens = re.findall(r"\w+|[\[\],]", text)
    if "".join(tokens) != text:
        raise _Refused(400, "fields has other characters than letters, digits, _, comma and brackets")
    rest = iter([*tokens, "]"])
    found = _members(rest, documented)
    if next(rest, None) is not None:
        raise _Refused(400, "fields has too many brackets")
    return found


def _members(tokens: Iterator[str], documented: Tree) -> Tree:
    found: Tree = {}
    for name in tokens:
        if name not in documented:
            raise _Refused(400, f"there is no field {name}")
        mark = next(tokens, None)
        found[name] = None
        if mark == "[":
            found[name] = _members(tokens, documented[name] or {})
            mark = next(tokens, None)
        if mark == "]":
            return found
        if mark != ",":
            raise _Refused(400, "fields are parted by commas")
    raise _Refused(400, "fields has too few brackets")


def _only(value: Any, fields: Tree) -> Any:
    """The value with these fields only; PHP makes null of an empty list then, and an empty list of an empty object."""
    if isinstance(value, list):
        return [_only(each, fields) for each in value] or None
    found = {
        name: inner if fields[name] is None or not isinstance(inner, dict | list) else _only(inner, fields[name])
        for name, inner in value.items()
        if name in fields
    }
    return found or []
