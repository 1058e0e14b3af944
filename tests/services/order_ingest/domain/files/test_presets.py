"""Which export a file is, and the whole way of one: every order in file order, in flat memory."""

import json
import tracemalloc
from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order_ingest.domain.files.detection import DateOrder
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.presets import PRESETS, Converted, detect, orders
from services.order_ingest.domain.files.rows import Refused, read
from tests.services.order_ingest.domain.files import exports
from tests.services.order_ingest.domain.files.exports import results, seen
from tests.services.order_ingest.domain.files.shapes import (
    AMAZON_HEADERS,
    AMAZON_SHIPPING_HEADERS,
    SHOPIFY_HEADERS,
    TAOBAO_HEADERS,
    TMALL_HEADERS,
    amazon,
    amazon_parcel,
    amazon_row,
    shopify,
    shopify_head,
    taobao_row,
    tmall_row,
    written,
)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        (SHOPIFY_HEADERS, "shopify_orders"),
        (AMAZON_HEADERS, "amazon_all_orders"),
        (AMAZON_SHIPPING_HEADERS, "amazon_shipping"),
        (TAOBAO_HEADERS, "taobao_export"),
        (TMALL_HEADERS, "tmall_order_report"),
    ],
)
def test_a_file_is_recognised_by_its_headers_in_any_order(headers: list[str], name: str) -> None:
    found = detect(sorted(headers))

    assert found is PRESETS[name]


def test_unknown_headers_are_not_guessed() -> None:
    assert detect(("Order ID", "Total")) is None
    assert detect(()) is None


def test_presets_are_told_apart_by_name_and_only_one_needs_its_owner() -> None:
    assert all(name == preset.name for name, preset in PRESETS.items())
    assert [name for name, preset in PRESETS.items() if not preset.required] == ["woocommerce_mapped"]


@pytest.mark.parametrize(
    ("content", "mark", "name"),
    [
        (shopify(shopify_head()).encode("utf-8-sig"), ",", "shopify_orders"),
        (shopify(shopify_head(), end="\r\n").encode("utf-16"), ",", "shopify_orders"),
        (
            shopify(shopify_head() | {"Billing Name": "Jürgen Groß"}, delimiter=";").encode("cp1252"),
            ";",
            "shopify_orders",
        ),
        (amazon(amazon_row(), end="\r\n").encode("cp1252"), "\t", "amazon_all_orders"),
        (written(TAOBAO_HEADERS, [taobao_row(买家留言="请快点\n谢谢")]).encode("gb18030"), ",", "taobao_export"),
    ],
)
def test_a_file_is_read_from_its_bytes(content: bytes, mark: str, name: str) -> None:
    delimiter, preset = exports.recognised(content)

    assert (delimiter, preset) == (mark, PRESETS[name])
    assert [type(result) for result in results(content)] == [Converted]


def test_an_encoding_of_europe_keeps_its_letters() -> None:
    content = shopify(shopify_head() | {"Billing Name": "Jürgen Groß"}, delimiter=";").encode("cp1252")

    (result,) = results(content)

    assert (seen(result).person.given_name, seen(result).person.family_name) == ("Jürgen", "Groß")


def test_every_order_ends_as_one_result_in_file_order() -> None:
    rows = [shopify_head(Name=f"#{n}", Id=str(n), Total="42.78" if n % 3 else "1.00") for n in range(1, 10)]

    found = results(shopify(*rows))

    assert [result.line for result in found] == list(range(2, 11))
    assert [type(result) is Refused for result in found] == [n % 3 == 0 for n in range(1, 10)]


def test_a_refusal_names_the_order_and_never_a_cell() -> None:
    (found,) = results(shopify(shopify_head(Total="ann@example.com")))

    assert found == Refused(2, "Total: is not written as an amount with a decimal point", "#1001")


def test_a_converted_order_is_plain_json() -> None:
    (found,) = results(shopify(shopify_head()))

    assert isinstance(found, Converted)
    assert json.loads(json.dumps(found.order)) == found.order


def test_the_same_file_twice_is_the_same_orders() -> None:
    content = shopify(shopify_head(Refunded_Amount="1.00"))

    assert results(content) == results(content)


def test_a_report_that_was_saved_with_commas_is_quoted_like_any_other() -> None:
    content = written(AMAZON_HEADERS, [amazon_row()])

    (result,) = results(content)

    assert seen(result).content.lines[0].title == 'Display 24" black'


_STRANGE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ("-0", "1e9", "0001-01-01", "9999-12-31 23:59:59 -2359", "9" * 31, "-" + "9" * 15, "\x00", "'", '="', "1,234")
    ),
    st.from_regex(r"-?[0-9]{1,4}([.,/:-][0-9]{1,4}){0,4}", fullmatch=True),
)
_ROWS = (
    (SHOPIFY_HEADERS, shopify_head(), "shopify_orders"),
    (AMAZON_HEADERS, amazon_row(), "amazon_all_orders"),
    (AMAZON_SHIPPING_HEADERS, amazon_parcel(), "amazon_shipping"),
    (TAOBAO_HEADERS, taobao_row(), "taobao_export"),
    (TMALL_HEADERS, tmall_row(), "tmall_order_report"),
)


@given(st.sampled_from(_ROWS), st.data())
def test_whatever_stands_in_the_cells_the_order_is_converted_or_refused(
    known: tuple[tuple[str, ...], dict[str, str], str], data: st.DataObject
) -> None:
    _, row, name = known
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(row)), _STRANGE, max_size=4))
    comma, order = data.draw(st.booleans()), data.draw(st.sampled_from(DateOrder))
    options = Options(time_zone="Asia/Tokyo", decimal_comma=comma, date_order=order)

    (found,) = orders([(2, row | changed)], PRESETS[name], options)

    assert isinstance(found, Refused) or seen(found).content.total_minor == found.order["total_minor"]


def test_a_thousand_orders_are_never_held_together() -> None:
    header, first, _ = shopify(shopify_head()).split("\n")
    lines = chain([header + "\n"], _copies(first, 1_000))
    found = orders(read(lines, delimiter=",", quoting=True), PRESETS["shopify_orders"], Options())
    tracemalloc.start()
    try:
        count = sum(isinstance(result, Converted) for result in found)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 1_000
    # One order takes some 10 KB; the rest is what is remembered of each order to notice one that stands apart.
    assert peak < 512 * 1024


def _copies(row: str, times: int) -> Iterator[str]:
    for number in range(times):
        yield row.replace("#1001", f"#{number}").replace("3791234567890", str(10**12 + number)) + "\n"
