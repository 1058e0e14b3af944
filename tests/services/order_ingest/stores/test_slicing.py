"""Pieces of JSON texts: each comes out as it was written, and nothing else passes for one."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.order_ingest.adapters.store_apis.slicing import elements, value
from services.order_ingest.application.store_apis import ApiAway

_ODD = [
    b"{}",
    b"[]",
    b'""',
    b"null",
    b"true",
    b"1.10",
    b"-0.0",
    b"1E400",
    b"12345678901234567890123456789",
    b"9" * 5000,
    b'{"price": 17.990 , "sum":1e2}',
    b'{"a":[{"orders":[1,2]}],"b":{"orders":[]}}',
    rb'"]},{[\" \\"',
    rb'"a \\\" ] \u005d \ud83d\ude00 \u0000"',
    rb'"a lone \ud800"',
    '"caf\u00e9, \u5e97\u5320, \U0001f600, \u2028"'.encode(),
    b'"a raw\ttab"',
    b'{"id":1,"id":2}',
    b"NaN",
    b"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
]
_SPACE = b" \r\n\t"


@pytest.mark.parametrize("glue", [b",", _SPACE + b"," + _SPACE])
def test_each_element_comes_out_as_it_was_written(glue: bytes) -> None:
    array = b"[" + _SPACE + glue.join(_ODD) + b"]"

    assert elements(array, None) == _ODD
    assert elements(b'{"count":[3],"orders"' + _SPACE + b":" + array + b',"next":null}' + _SPACE, "orders") == _ODD


@pytest.mark.parametrize("odd", _ODD)
def test_a_value_comes_out_as_it_was_written(odd: bytes) -> None:
    assert value(_SPACE + odd + _SPACE, None) == odd
    assert value(b'{"errors":{"order":1},"order":' + odd + b"}", "order") == odd


@pytest.mark.parametrize("body", [b"[]", b" [ \n] "])
def test_an_empty_array_has_no_elements(body: bytes) -> None:
    assert elements(body, None) == []
    assert elements(b'{"orders":' + body + b"}", "orders") == []


def test_a_byte_order_mark_is_no_part_of_it() -> None:
    assert elements(b"\xef\xbb\xbf[1]", None) == [b"1"]
    assert value(b'\xef\xbb\xbf{"id":1}', None) == b'{"id":1}'


def test_a_key_is_known_however_it_is_written() -> None:
    assert elements(rb'{"\u006frders":[1.10]}', "orders") == [b"1.10"]


def test_a_key_of_an_inner_object_is_another_key() -> None:
    assert elements(b'{"data":{"orders":[1]},"orders":[2],"orders ":[3]}', "orders") == [b"2"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"<html></html>", b"[", b"[1", b"[1,]", b"[,1]", b"[1 2]", b"[1]]", b"[1] x", b"[1][2]",
        b"{}", b'"[1]"', b"null", b"[01]", b"['a']", b"[1}", b"\xff[1]", '["\u00e9"]'.encode("latin-1"),
        "[1]".encode("utf-16"), b"[" * 100_000, b"[[" + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(ApiAway):
        elements(body, None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b"{", b'{"orders":[1]', b'{"orders":[1],}', b'{,"orders":[1]}', b'{"orders" [1]}',
        b'{"orders":[1]}}', b'{"orders":{}}', b'{"orders":null}', b'{"orders":[1],"orders":[2]}', b"{orders:[1]}",
        b'{1:2,"orders":[1]}', b'{"orders":[1] "a":2}', b'{"orders":[1],"a":}', b'{"a":[1]}', b'{"error":"busy"}',
    ],
)  # fmt: skip
def test_what_is_no_object_with_such_an_array_is_refused(body: bytes) -> None:
    with pytest.raises(ApiAway):
        elements(body, "orders")


def test_the_complaint_shows_nothing_of_the_body() -> None:
    with pytest.raises(ApiAway) as raised:
        elements(b'{"orders":[{"email":"ann@example.com"}', "orders")

    assert "ann" not in str(raised.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.lists(_JSON, max_size=5), st.dictionaries(st.text(), _JSON, max_size=3), st.booleans(), st.none() | st.just(1)
)
@settings(deadline=None)
def test_any_json_is_cut_at_its_borders(
    items: list[Any], others: dict[str, Any], ascii_only: bool, indent: Any
) -> None:
    def written(found: Any) -> bytes:
        return json.dumps(found, ensure_ascii=ascii_only, indent=indent).encode()

    body = written({**others, "orders": items, "z": others})

    assert [json.loads(each) for each in elements(body, "orders")] == items
    assert all(each in body for each in elements(body, "orders"))
    assert json.loads(value(body, "z")) == others
