"""Platforms' exports through the running service: previewed, taken in once, every row that was left out is named."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import timedelta
from typing import Any, get_args

import pytest

from services.order_ingest.domain.files.presets import PRESETS
from services.order_ingest.entrypoints.conversion import through_thread
from services.order_ingest.entrypoints.import_options import PresetName
from tests.services.order_ingest.conftest import House, Shop
from tests.services.order_ingest.test_imports import _run

_TMALL_HEADER = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"


def _tmall(*, orders: int, first: int = 1) -> bytes:
    """The export as Tmall writes it: headers with trailing spaces, GB18030, every tenth order refunded."""
    rows = [
        f"{n},{10 + n}.50,{10 + n}.50,上海,2020-02-{1 + n % 28:02d} 10:00:{n % 60:02d},"
        f"2020-02-{1 + n % 28:02d} 10:01:00,{'3.25' if n % 10 == 0 else '0.00'}\n"
        for n in range(first, first + orders)
    ]
    return (_TMALL_HEADER + "".join(rows)).encode("gb18030")


async def _post(house: House, shop: Shop, path: str, content: bytes, **query: str) -> Any:
    headers = house.bearer("imports:write", merchant_id=shop.merchant_id)
    params = {"store_id": str(shop.store_id), **query}
    return await house.client.post(path, params=params, content=content, headers=headers)


async def _taobao_shop(house: House) -> Shop:
    return await house.shop("standard", currency="CNY", time_zone="Asia/Shanghai", locale="zh-CN", account="tmall")


def test_every_preset_can_be_named_over_http() -> None:
    assert {*get_args(PresetName)} == {*PRESETS, "auto"}


async def test_a_preview_tells_what_an_import_then_does(house: House) -> None:
    shop = await _taobao_shop(house)
    content = _tmall(orders=250) + "x,not money,1,上海,2020-02-30 10:00:00,,0\n".encode("gb18030")

    preview = await _post(house, shop, "/v1/imports/previews", content, preset="tmall_order_report")
    nothing_yet = await house.rows("SELECT 1 FROM import UNION ALL SELECT 1 FROM customer_order")
    answer = await _post(house, shop, "/v1/imports", content, preset="tmall_order_report")
    job = await _run(house)

    told = preview.json()
    assert (preview.status_code, nothing_yet, answer.status_code) == (200, [], 202)
    assert (told["rows_read"], told["orders"], told["anonymous_orders"], told["refused"]) == (251, 250, 250, 1)
    assert told["refused_rows"][0]["row_no"] == 252
    assert job["result"] == {"rows_read": 251, "accepted": 250, "duplicates": 0, "rejected": 1}
    [rejected] = (await house.get(shop, f"/v1/imports/{answer.json()['import_id']}/rejected_rows"))["items"]
    assert rejected["row_no"] == 252
    summary = await house.get(shop, "/v1/orders/summary")
    [money] = summary["money"]
    expected = sum(1050 + 100 * n for n in range(1, 251)), 325 * 25
    assert (money["total_minor"], money["refunded_minor"]) == expected
    assert [(each["total_minor"], each["refunded_minor"]) for each in told["money"]] == [expected]
    assert (money["currency"], summary["anonymous_customers"]) == ("CNY", 250)


async def test_an_overlapping_export_changes_no_row_that_is_known(house: House) -> None:
    shop = await _taobao_shop(house)
    await _post(house, shop, "/v1/imports", _tmall(orders=120), preset="auto")
    await _run(house)
    before = await house.rows("SELECT order_id, version_us, body_hash, updated_at FROM customer_order ORDER BY 1")

    house.clock.advance(timedelta(days=1))
    await _post(house, shop, "/v1/imports", _tmall(orders=120, first=61), preset="auto")
    assert await house.job_runner().run_one(asyncio.Event())

    after = await house.rows("SELECT order_id, version_us, body_hash, updated_at FROM customer_order ORDER BY 1")
    known = {row["order_id"] for row in before}
    assert [row for row in after if row["order_id"] in known] == before
    assert len(after) == 180
    [second] = (await house.get(shop, "/v1/imports", limit=1))["items"]
    assert (second["accepted"], second["duplicates"], second["rejected"]) == (60, 60, 0)
    assert second["options"]["preset"] == "auto"


@pytest.mark.parametrize(
    ("content", "query", "pointer"),
    [
        (b"a,b\n1,2\n", {"preset": "auto"}, "header fits none"),
        ("订单,x\n".encode("gb18030"), {"preset": "auto", "encoding": "utf-8"}, "name its encoding"),
        (b"id\n1\n", {"preset": "woocommerce_mapped"}, "needs mapping"),
        (b"id\n1\n", {"preset": "auto", "encoding": "klingon"}, "encoding must be one of"),
        (b"id\n1\n", {"preset": "auto", "encoding": "zlib"}, "encoding must be one of"),
        (b"id\n1\n", {"preset": "auto", "encoding": "utf-16"}, "not utf-16; name its encoding"),
        (b"id\n1\n", {"preset": "auto", "time_zone": "Mars/Olympus"}, "IANA name"),
        (b"id\n1\n", {"preset": "auto", "mapping": "[1]"}, "JSON object of texts"),
    ],
)
async def test_a_file_that_cannot_be_read_as_told_is_refused_with_what_would_help(
    house: House, content: bytes, query: dict[str, str], pointer: str
) -> None:
    shop = await house.shop("standard")

    answer = await _post(house, shop, "/v1/imports", content, **query)

    assert answer.status_code == 422
    assert pointer in answer.text
    assert await house.rows("SELECT 1 FROM import WHERE state <> 'uploading'") == []


async def test_an_export_of_another_platform_is_refused(house: House) -> None:
    shop = await house.shop("shopify")

    answer = await _post(house, shop, "/v1/imports", _tmall(orders=1), preset="tmall_order_report")

    assert answer.status_code == 422
    assert "is an export of taobao, the store is on shopify" in json.dumps(answer.json())


async def test_a_reader_that_stops_early_ends_the_conversion() -> None:
    ended = threading.Event()

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x"

    def convert(pulled: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from pulled
        finally:
            ended.set()

    pieces = through_thread(parts(), convert)
    first = await anext(pieces)
    await pieces.aclose()

    assert first == b"x"
    assert await asyncio.to_thread(ended.wait, 5)


async def test_what_a_conversion_raises_reaches_its_reader_after_what_it_made() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"1"

    def convert(pulled: Iterable[bytes]) -> Iterator[bytes]:
        yield from pulled
        raise LookupError("row 2")

    pieces = through_thread(parts(), convert)
    first = await anext(pieces)
    with pytest.raises(LookupError, match="row 2"):
        await anext(pieces)

    assert first == b"1"
