"""A rule is checked once, with the place of its first flaw, and evaluated purely."""

from typing import Any

import pytest

from services.segmentation.domain.contribution import Counters
from services.segmentation.domain.errors import InvalidRule
from services.segmentation.domain.segment_rule import DISCOUNT_REGULARS, MAX_CONDITIONS, MAX_DEPTH, predicate

MANY = {"attribute": "orders", "op": ">=", "value": 2}


def nested(depth: int) -> dict[str, Any]:
    return MANY if depth == 1 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("counters", "fits"),
    [
        (Counters(orders=2, items=3, discounted_orders=1), True),
        (Counters(orders=1, items=3, discounted_orders=1), False),
        (Counters(orders=2, items=2, discounted_orders=1), False),
        (Counters(orders=2, items=3, discounted_orders=0), False),
    ],
)
def test_the_default_segment_wants_a_discount_more_than_two_items_and_a_repurchase(
    counters: Counters, fits: bool
) -> None:
    assert predicate(DISCOUNT_REGULARS)(counters) is fits


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"any": [MANY, {"attribute": "spend_minor", "op": "<", "value": 0}]}, True),
        ({"not": MANY}, False),
        ({"attribute": "orders", "op": "=", "value": 2}, True),
        ({"attribute": "orders", "op": "!=", "value": 2}, False),
        ({"attribute": "orders", "op": "<=", "value": 1}, False),
        ({"attribute": "average_order_minor", "op": ">=", "value": 0}, False),
    ],
)
def test_conditions_join_and_a_counter_without_a_value_fits_none(rule: dict[str, Any], fits: bool) -> None:
    assert predicate(rule)(Counters(orders=2, foreign_orders=2)) is fits


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ([], ""),
        ({}, ""),
        ({"all": [], "any": []}, ""),
        ({"all": []}, "/all"),
        ({"all": "orders"}, "/all"),
        ({"any": [MANY, {"attribute": "age", "op": ">", "value": 1}]}, "/any/1/attribute"),
        ({"not": {"attribute": "orders", "op": "~", "value": 1}}, "/not/op"),
        ({"attribute": "orders", "op": ">", "value": "1"}, "/value"),
        ({"attribute": "orders", "op": ">", "value": True}, "/value"),
        ({"attribute": "orders", "op": ">", "value": 1.5}, "/value"),
        ({"all": [MANY] * (MAX_CONDITIONS + 1)}, f"/all/{MAX_CONDITIONS}"),
        (nested(MAX_DEPTH + 1), "/not" * MAX_DEPTH),
    ],
)
def test_a_flaw_is_named_by_its_place(rule: object, pointer: str) -> None:
    with pytest.raises(InvalidRule) as flaw:
        predicate(rule)
    assert flaw.value.pointer == pointer
