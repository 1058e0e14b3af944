"""A segment's rule: a small tree of conditions over a customer's counters, checked once and evaluated purely.

A condition is `{"attribute": "orders", "op": ">=", "value": 2}`; `{"all": [...]}`, `{"any": [...]}` and
`{"not": {...}}` join conditions. The rule sees the counters alone, no clock: a membership changes only when a fact
changes a counter.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from services.segmentation.domain.contribution import Counters
from services.segmentation.domain.errors import InvalidRule

Predicate = Callable[[Counters], bool]

MAX_CONDITIONS: Final = 50
MAX_DEPTH: Final = 8

ATTRIBUTES: Final[Mapping[str, Callable[[Counters], int | None]]] = {
    "orders": operator.attrgetter("orders"),
    "items": operator.attrgetter("items"),
    "spend_minor": operator.attrgetter("spend_minor"),
    "average_order_minor": operator.attrgetter("average_order_minor"),
    "discounted_orders": operator.attrgetter("discounted_orders"),
    "refunds": operator.attrgetter("refunds"),
    "refunded_minor": operator.attrgetter("refunded_minor"),
}
_OPERATORS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

DISCOUNT_REGULARS: Final[Mapping[str, Any]] = {
    "all": [
        {"attribute": "discounted_orders", "op": ">=", "value": 1},
        {"attribute": "items", "op": ">", "value": 2},
        {"attribute": "orders", "op": ">=", "value": 2},
    ]
}
"""Bought at a discount, more than two items, and has repurchased."""


def predicate(rule: object) -> Predicate:
    """A function that tells whether counters fit the rule; a counter without a value fits no condition.

    Raises: InvalidRule with the JSON pointer of the first flaw.
    """
    budget = [MAX_CONDITIONS]
    return _node(rule, "", MAX_DEPTH, budget)


def _node(rule: object, pointer: str, depth: int, budget: list[int]) -> Predicate:
    if not isinstance(rule, Mapping):
        raise InvalidRule(pointer, "must be an object")
    if depth == 0:
        raise InvalidRule(pointer, f"is nested deeper than {MAX_DEPTH}")
    match sorted(rule):
        case ["all"]:
            return _all(_nodes(rule["all"], f"{pointer}/all", depth, budget))
        case ["any"]:
            return _any(_nodes(rule["any"], f"{pointer}/any", depth, budget))
        case ["not"]:
            return _not(_node(rule["not"], f"{pointer}/not", depth - 1, budget))
        case ["attribute", "op", "value"]:
            return _condition(rule, pointer, budget)
    raise InvalidRule(pointer, "must be {attribute, op, value}, or one of all, any, not")


def _nodes(rules: object, pointer: str, depth: int, budget: list[int]) -> list[Predicate]:
    if not isinstance(rules, Sequence) or isinstance(rules, str) or not rules:
        raise InvalidRule(pointer, "must be a list with at least one condition")
    return [_node(rule, f"{pointer}/{place}", depth - 1, budget) for place, rule in enumerate(rules)]


def _condition(rule: Mapping[str, Any], pointer: str, budget: list[int]) -> Predicate:
    budget[0] -= 1
    if budget[0] < 0:
        raise InvalidRule(pointer, f"there are more than {MAX_CONDITIONS} conditions")
    if rule["attribute"] not in ATTRIBUTES:
        raise InvalidRule(f"{pointer}/attribute", f"must be one of {', '.join(ATTRIBUTES)}")
    if rule["op"] not in _OPERATORS:
        raise InvalidRule(f"{pointer}/op", f"must be one of {' '.join(_OPERATORS)}")
    value = rule["value"]
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRule(f"{pointer}/value", "must be an integer")
    return _comparison(ATTRIBUTES[rule["attribute"]], _OPERATORS[rule["op"]], value)


def _comparison(read: Callable[[Counters], int | None], fits: Callable[[int, int], bool], value: int) -> Predicate:
    def compare(counters: Counters) -> bool:
        found = read(counters)
        return found is not None and fits(found, value)

    return compare


def _all(parts: Sequence[Predicate]) -> Predicate:
    return lambda counters: all(part(counters) for part in parts)


def _any(parts: Sequence[Predicate]) -> Predicate:
    return lambda counters: any(part(counters) for part in parts)


def _not(part: Predicate) -> Predicate:
    return lambda counters: not part(counters)
