"""History as a file: taken in once, worked on to the end whatever dies in between, never mixed up with live work."""

import asyncio
import copy
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from itertools import pairwise
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from libs.contracts.commerce import ImportFinishedV1, OrderPlacedV1
from services.order_ingest.adapters.imports import forget_failed_imports
from services.order_ingest.domain.canonical import EXAMPLE_ORDER
from services.order_ingest.entrypoints.upload import CHUNK_ROWS, Chunks, UploadRefused
from tests.services.order_ingest.conftest import House, Shop, json_lines


def _order(n: int, **changes: Any) -> dict[str, Any]:
    """A canonical order of its own customer."""
    customer = {"id": f"C-{n}", "email": f"c{n}@example.com"}
    return {**copy.deepcopy(dict(EXAMPLE_ORDER)), "id": f"A-{n}", "customer": customer, "refunds": [], **changes}


async def _run(house: House) -> Mapping[str, Any]:
    assert await house.job_runner().run_one(asyncio.Event())
    [job] = await house.rows("SELECT state, result, problem, position FROM job")
    return job


async def test_of_an_import_whose_job_failed_for_good_no_line_is_left(house: House) -> None:
    shop = await house.shop()
    for number in range(3):
        await house.upload(shop, json_lines([_order(number)]), **{"Idempotency-Key": f"upload-{number}"})
    jobs = await house.rows("SELECT job_id FROM job ORDER BY created_at, job_id")
    async with house.worker.begin() as uow:
        failed = text("UPDATE job SET state = 'failed' WHERE job_id = :id")
        await uow.connection.execute(failed, {"id": jobs[0]["job_id"]})
        assert await forget_failed_imports(uow.connection, house.clock.now()) == 1
        assert await forget_failed_imports(uow.connection, house.clock.now()) == 0

    imports = await house.rows("SELECT import_id, job_id, state FROM import")
    chunks = {row["import_id"] for row in await house.rows("SELECT import_id FROM import_chunk")}
    assert {each["job_id"]: each["state"] for each in imports} == {
        jobs[0]["job_id"]: "failed",
        jobs[1]["job_id"]: "queued",
        jobs[2]["job_id"]: "queued",
    }
    assert chunks == {each["import_id"] for each in imports if each["state"] == "queued"}


async def test_a_file_becomes_orders_told_as_history(house: House) -> None:
    shop = await house.shop()
    broken = b'{"id": "A-9"}\nnot json\n' + json_lines([_order(8, test=True), _order(7, total_minor=1)])

    answer = await house.upload(shop, json_lines([_order(1), _order(2)]) + broken)
    job = await _run(house)

    assert answer.status_code == 202
    assert answer.headers["location"].startswith("/v1/jobs/")
    assert job["state"] == "succeeded"
    assert job["result"] == {"rows_read": 6, "accepted": 2, "duplicates": 0, "rejected": 4}
    rejected = (await house.get(shop, f"/v1/imports/{answer.json()['import_id']}/rejected_rows"))["items"]
    assert [row["row_no"] for row in rejected] == [3, 4, 5, 6]
    assert "total_minor" in rejected[3]["reason"]
    origins = await house.rows(
        "SELECT DISTINCT headers::json ->> 'ce_origin' AS origin FROM outbox WHERE type LIKE 'order.%'"
    )
    assert [row["origin"] for row in origins] == ["backfill"]
    [finished] = await house.facts("import.finished")
    assert isinstance(finished, ImportFinishedV1)
    assert (finished.read_rows, finished.accepted_rows, finished.rejected_rows) == (6, 2, 4)
    assert await house.rows("SELECT 1 FROM import_chunk") == []


async def test_several_versions_and_refunds_in_one_file_end_in_the_highest_version(house: House) -> None:
    shop = await house.shop()
    older = _order(1, number="#old", updated_at="2026-05-03T00:00:00Z")
    newer = _order(1, number="#new", refunds=EXAMPLE_ORDER["refunds"])
    refund = {"type": "refund.created", "data": {"order_id": "A-1", **EXAMPLE_ORDER["refunds"][0]}}

    await house.upload(shop, json_lines([refund, newer, older, refund, newer]))
    job = await _run(house)

    assert job["result"] == {"rows_read": 5, "accepted": 2, "duplicates": 3, "rejected": 0}
    [order] = (await house.get(shop, "/v1/orders"))["items"]
    assert (order["number"], order["refunded"]["amount_minor"]) == ("#new", 1799)
    assert sorted(kind for kind in await house.told() if kind.startswith("order.")) == [
        "order.delivered",
        "order.fulfilled",
        "order.paid",
        "order.placed",
        "order.refunded",
    ]


async def test_gzip_and_plain_are_the_same_file(house: House) -> None:
    shop = await house.shop()
    content = json_lines([_order(n) for n in range(3)])

    packed = await house.upload(
        shop, gzip.compress(content[:1000]) + gzip.compress(content[1000:]), **{"content-encoding": "gzip"}
    )
    broken = await house.upload(shop, gzip.compress(content)[:-20], **{"content-encoding": "gzip"})
    nonsense = await house.upload(shop, content, **{"content-encoding": "gzip"})
    empty = await house.upload(shop, b"")

    assert packed.json()["rows_uploaded"] == 3
    assert [answer.status_code for answer in (packed, broken, nonsense, empty)] == [202, 422, 422, 422]


def _form(content: bytes, name: str = "orders.jsonl") -> tuple[bytes, str]:
    """The body of a form with the file, and its Content-Type."""
    request = httpx.Request("POST", "http://test", files={"file": (name, content)})
    return request.read(), request.headers["content-type"]


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("is_packed_inside", [False, True])
async def test_a_file_in_a_form_is_the_same_file(house: House, is_packed: bool, is_packed_inside: bool) -> None:
    shop = await house.shop()
    content = json_lines([_order(n) for n in range(150)])
    inside = (gzip.compress(content), "orders.jsonl.gz") if is_packed_inside else (content, "orders.jsonl")
    body, kind = _form(*inside)
    headers = {"content-type": kind} | ({"content-encoding": "gzip"} if is_packed else {})

    answer = await house.upload(shop, gzip.compress(body) if is_packed else body, **headers)
    job = await _run(house)

    assert (answer.status_code, answer.json()["rows_uploaded"]) == (202, 150)
    assert job["result"] == {"rows_read": 150, "accepted": 150, "duplicates": 0, "rejected": 0}


async def test_an_export_in_a_form_is_previewed_as_its_body_is(house: House) -> None:
    shop = await house.shop("standard")
    header = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"
    content = f"{header}1,178.8,178.8,上海,2020-02-21 00:00:00,2020-02-21 00:01:00,0\n".encode("gb18030")
    form, kind = _form(gzip.compress(content), "订单.csv.gz")

    bare, in_a_form = [
        await house.client.post(
            "/v1/imports/previews",
            params={"store_id": str(shop.store_id), "preset": "auto", "time_zone": "Asia/Shanghai", "currency": "CNY"},
            content=sent,
            headers={**house.bearer("imports:write", merchant_id=shop.merchant_id), "content-type": told},
        )
        for sent, told in ((content, "text/csv"), (form, kind))
    ]

    assert (bare.status_code, bare.json()["orders"]) == (200, 1)
    assert in_a_form.json() == bare.json()


async def test_a_form_of_anything_but_one_file_is_refused_and_leaves_no_job(house: House) -> None:
    shop = await house.shop()
    body, kind = _form(json_lines([_order(1)]))

    answers = [
        await house.upload(shop, sent, **{"content-type": told})
        for sent, told in (
            (body, "multipart/form-data"),
            (body.replace(b'name="file"', b'name="orders"'), kind),
            (body[:-8], kind),
            (_form(b"")[0], _form(b"")[1]),
        )
    ]

    assert [answer.json()["type"] for answer in answers] == ["urn:huitou:problem:upload-refused"] * 4
    assert [answer.status_code for answer in answers] == [422] * 4
    assert answers[0].json()["detail"] == "the Content-Type multipart/form-data names no boundary."
    assert await house.rows("SELECT 1 FROM job") == []


async def test_the_document_shows_the_body_and_the_form(house: House) -> None:
    document = (await house.client.get("/openapi.json")).json()

    for path in ("/v1/imports", "/v1/imports/previews"):
        content = document["paths"][path]["post"]["requestBody"]["content"]
        assert list(content) == ["application/x-ndjson", "text/csv", "multipart/form-data"]
        assert content["multipart/form-data"]["schema"]["required"] == ["file"]


async def test_an_upload_with_a_known_key_is_taken_once(house: House) -> None:
    shop = await house.shop()

    first = await house.upload(shop, json_lines([_order(1)]), **{"idempotency-key": "june"})
    again = await house.upload(shop, json_lines([_order(1)]), **{"idempotency-key": "june"})

    assert first.json()["import_id"] == again.json()["import_id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(await house.rows("SELECT 1 FROM job")) == 1


async def test_somebody_elses_store_is_refused(house: House) -> None:
    mine, other = await house.shop(), await house.shop()

    answer = await house.upload(Shop(other.store_id, mine.merchant_id, "shopify", ""), json_lines([_order(1)]))

    assert answer.status_code == 422


@pytest.mark.parametrize("dies_after", [1, 2, 4])
async def test_an_import_goes_on_behind_its_last_chunk_after_a_crash(house: House, dies_after: int) -> None:
    shop = await house.shop()
    orders = [_order(n) for n in range(520)]
    await house.upload(shop, json_lines(orders))
    stop = _StopAfter(house, dies_after)

    await house.job_runner().run_one(stop.event)
    [half] = await house.rows("SELECT position, done, state FROM job")
    stop.forget()
    job = await _run(house)

    assert half["position"]["chunk"] == dies_after
    assert half["done"] == dies_after * CHUNK_ROWS
    assert job["result"] == {"rows_read": 520, "accepted": 520, "duplicates": 0, "rejected": 0}
    placed = await house.facts("order.placed")
    assert len(placed) == 520
    assert len({fact.order_id for fact in placed if isinstance(fact, OrderPlacedV1)}) == 520
    assert len(await house.facts("import.started")) == 1


class _StopAfter:
    """Stops the import after some chunks, as a deploy does: the runner asks before each chunk whether there is room."""

    def __init__(self, house: House, chunks: int) -> None:
        self.event = asyncio.Event()
        self._house = house
        self._left = chunks
        house.imports.busy = self._count

    async def _count(self, most: int) -> bool:
        if self._left == 0:
            self.event.set()
        self._left -= 1
        return False

    def forget(self) -> None:
        self.event.clear()
        self._left = -1


async def test_a_transaction_that_fails_leaves_nothing_of_its_chunk(house: House) -> None:
    shop = await house.shop()
    await house.upload(shop, json_lines([_order(n) for n in range(150)]))
    thief = _StopAfter(house, 1)

    await house.job_runner().run_one(thief.event)
    orders = await house.rows("SELECT count(*) AS n FROM customer_order")
    facts = await house.rows("SELECT count(*) AS n FROM outbox WHERE type = 'order.placed.v1'")

    assert orders[0]["n"] == facts[0]["n"] == CHUNK_ROWS


async def test_a_live_order_waits_for_a_hundred_rows_of_its_merchants_history_at_the_most(house: House) -> None:
    shop = await house.shop("standard")
    await house.upload(shop, json_lines([_order(n) for n in range(350)]))
    applied: list[int] = []

    async def live_order_comes(most: int) -> bool:
        live = _order(1000 + len(applied))
        await house.send(shop, "order.updated", live)
        await house.normaliser.drain()
        assert await house.rows("SELECT 1 FROM customer_order WHERE external_id = :id", id=live["id"])
        [history] = await house.rows("SELECT count(*) AS n FROM customer_order WHERE length(external_id) < 6")
        applied.append(history["n"])
        return False

    house.imports.busy = live_order_comes
    await _run(house)

    assert max(later - earlier for earlier, later in pairwise(applied)) <= 100
    assert len(applied) >= 3


async def test_an_import_waits_while_others_are_behind(house: House) -> None:
    shop = await house.shop()
    await house.upload(shop, json_lines([_order(1)]))
    asked: list[int] = []

    async def busy(most: int) -> bool:
        asked.append(most)
        return len(asked) < 3

    house.imports.busy = busy
    job = await _run(house)

    assert asked == [2500, 2500, 2500]
    assert job["state"] == "succeeded"


async def test_a_row_that_cannot_be_applied_is_rejected_and_the_others_stand(house: House) -> None:
    shop = await house.shop()
    huge = _order(
        2, lines=[{**EXAMPLE_ORDER["lines"][0], "id": str(n), "title": "x" * 450} for n in range(600)], total_minor=None
    )

    await house.upload(shop, json_lines([_order(1), huge, _order(3)]))
    job = await _run(house)

    assert job["result"] == {"rows_read": 3, "accepted": 2, "duplicates": 0, "rejected": 1}
    [rejection] = await house.rows("SELECT row_no, reason FROM import_rejection")
    assert rejection == {"row_no": 2, "reason": "cannot be applied: PayloadTooLarge"}


async def test_lines_are_cut_right_wherever_the_parts_end() -> None:
    kept: list[bytes] = []

    async def keep(chunk_no: int, first_row: int, lines: Any) -> None:
        assert first_row == len(kept) + 1
        kept.extend(lines)

    content = b"\n".join(str(n).encode() * (n % 7 + 1) for n in range(2000))
    chunks = Chunks(keep, most_bytes=1 << 20)
    for start in range(0, len(content), 97):
        await chunks.take(content[start : start + 97])
    await chunks.end()

    assert kept == content.split(b"\n")
    assert chunks.rows == 2000


async def test_an_endless_line_and_an_endless_file_are_refused() -> None:
    async def keep(chunk_no: int, first_row: int, lines: Any) -> None: ...

    with pytest.raises(UploadRefused, match="row 1"):
        await Chunks(keep, most_bytes=1 << 30).take(b"x" * ((1 << 20) + 1))
    with pytest.raises(UploadRefused, match="more than"):
        await Chunks(keep, most_bytes=10).take(b"x\n" * 6)


def test_the_example_is_a_line_of_a_file() -> None:
    assert json.loads(json_lines([EXAMPLE_ORDER])) == json.loads(json.dumps(EXAMPLE_ORDER))


_WHOLE = json_lines([_order(number) for number in range(300)])


@pytest.mark.parametrize(("other", "status"), [(_WHOLE, 202), (b"x" * (2 << 20), 422)], ids=["whole", "broken"])
async def test_an_upload_that_is_overtaken_under_its_key_ends_and_takes_no_rows_along(
    house: House, other: bytes, status: int
) -> None:
    shop, half_way, may_go_on = await house.shop(), asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield _WHOLE[:-1]
        half_way.set()
        await may_go_on.wait()
        yield _WHOLE[-1:]

    headers = {"Idempotency-Key": "one-file"}
    first = asyncio.create_task(house.upload(shop, slowly(), **headers))
    await half_way.wait()
    second = await house.upload(shop, other, **headers)
    may_go_on.set()
    overtaken = await first
    last = await house.upload(shop, _WHOLE, **headers)
    await _run(house)

    assert (second.status_code, overtaken.status_code, last.status_code) == (status, 409, 202)
    assert overtaken.json()["type"].endswith("upload-overtaken")
    shown = await house.get(shop, f"/v1/imports/{last.json()['import_id']}")
    assert (shown["state"], shown["rows_uploaded"], shown["rows_read"], shown["accepted"]) == (
        "finished",
        300,
        300,
        300,
    )


async def test_an_import_whose_rows_are_missing_fails_and_says_how_many(house: House) -> None:
    shop = await house.shop()
    answer = await house.upload(shop, _WHOLE)
    async with house.worker.begin() as uow:
        await uow.connection.execute(text("DELETE FROM import_chunk WHERE chunk_no = 2"))

    job = await _run(house)

    shown = await house.get(shop, f"/v1/imports/{answer.json()['import_id']}")
    assert (job["state"], job["problem"]["detail"]) == ("failed", "200 of the 300 rows that were uploaded were read.")
    assert (shown["state"], shown["rows_read"]) == ("failed", 200)
    assert not await house.facts("import.finished")
