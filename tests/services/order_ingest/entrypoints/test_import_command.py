"""A file sent from a shell is imported once, whatever breaks on its way, and what became of it is said."""

import asyncio
import csv
import gzip
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from rich.console import Console
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deploy.local.ports import lasting_ports
from libs.servicekit.process import serve
from services.order_ingest.adapters.history_file import BLOCK_BYTES, DiskFile
from services.order_ingest.adapters.import_client import open_service
from services.order_ingest.application.history_service import FileChanged, RejectedRow
from services.order_ingest.application.send_history import PATIENCE, key_of
from services.order_ingest.domain.files.presets import PRESETS
from services.order_ingest.entrypoints.import_command import DONE, FAILED, REJECTED, STOPPED, TOKEN, read_command, run
from services.order_ingest.entrypoints.import_screen import LINE_SECONDS, Screen
from services.order_ingest.entrypoints.rejected_file import rejected_file
from tests.services.order_ingest.conftest import House, Shop, json_lines
from tests.services.order_ingest.test_imports import _order

_STORE: Final = "0190a5b0-7c1e-7c3a-9d0e-3b8f6f1f2a10"
_TMALL: Final = (
    "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"
    "1,178.8,178.8,上海,2020-02-21 00:00:00,2020-02-21 00:01:00,8.8\n"
    "2,20,20,上海,2020-02-22 00:00:00,2020-02-22 00:01:00,0\n"
    "3,not money,1,上海,2020-02-22 00:00:00,,0\n"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    complaints: str


class Line(httpx.AsyncBaseTransport):
    """The way to the application; it breaks as often as the test says, and keeps what files went over it."""

    def __init__(self, house: House) -> None:
        self._inner = house.client._transport
        self.files: list[tuple[httpx.Headers, bytes]] = []
        self.cut_early = 0
        self.cut_late = 0
        self.busy: list[int] = []
        self.deaf_jobs = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        content = b"".join([part async for part in request.stream])
        if request.url.path.startswith("/v1/jobs/") and self.deaf_jobs:
            self.deaf_jobs -= 1
            raise httpx.ConnectError("nobody listens", request=request)
        if not content:
            return await self._inner.handle_async_request(request)
        return await self._send_file(request, content)

    async def _send_file(self, request: httpx.Request, content: bytes) -> httpx.Response:
        self.files.append((request.headers, content))
        if self.cut_early:
            self.cut_early -= 1
            raise httpx.WriteError("cut", request=request)
        if self.busy:
            return httpx.Response(self.busy.pop(), headers={"Retry-After": "7"})
        whole = httpx.Request(request.method, request.url, headers=request.headers, content=content)
        answer = await self._inner.handle_async_request(whole)
        if self.cut_late:
            self.cut_late -= 1
            raise httpx.ReadError("cut", request=request)
        return answer


@dataclass
class Desk:
    """A person at a shell, with a file for a shop."""

    house: House
    shop: Shop
    folder: Path
    line: Line
    paused: list[float] = field(default_factory=list)

    def write(self, content: bytes, name: str = "orders.jsonl") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    @property
    def token(self) -> str:
        scopes = ("imports:*", "jobs:read")
        return self.house.bearer(*scopes, merchant_id=self.shop.merchant_id)["Authorization"].removeprefix("Bearer ")

    async def run(self, path: Path, *more: str, token: str | None = None, is_terminal: bool = False) -> Ended:
        """The command ran; while it waits, the worker works."""
        arguments = [str(path), "--store", str(self.shop.store_id), "--url", "http://test", *more]
        command = read_command(arguments, {TOKEN: token or self.token})
        out, complaints = io.StringIO(), io.StringIO()
        screen = Screen(
            Console(file=out, width=140, force_terminal=is_terminal), Console(file=complaints, force_terminal=False)
        )
        code = await run(command, partial(open_service, transport=self.line), DiskFile.at, screen, self._pause)
        return Ended(code, out.getvalue(), complaints.getvalue())

    async def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await self.house.job_runner().run_one(asyncio.Event())

    async def imports(self) -> list[dict[str, Any]]:
        shown: list[dict[str, Any]] = (await self.house.get(self.shop, "/v1/imports"))["items"]
        return shown


@pytest.fixture
async def desk(shared_house: House, tmp_path: Path) -> Desk:
    shop = await shared_house.shop("standard", currency="CNY", time_zone="Asia/Shanghai", locale="zh-CN")
    return Desk(shared_house, shop, tmp_path, Line(shared_house))


async def test_a_file_is_sent_read_and_counted(desk: Desk) -> None:
    content = json_lines([_order(n) for n in range(230)])

    ended = await desk.run(desk.write(content))

    [shown] = await desk.imports()
    assert (ended.code, ended.complaints) == (DONE, "")
    assert (shown["accepted"], shown["rejected"]) == (230, 0)
    assert [sent for _, sent in desk.line.files] == [content]
    assert "read: 230 of 230 rows" in ended.out
    assert f"Import {shown['import_id']}" in ended.out


async def test_rejected_rows_are_listed_whole_and_change_the_exit_code(desk: Desk) -> None:
    path, listed = desk.write(b"{}\n" * 205 + json_lines([_order(1)])), desk.folder / "rejected.csv"

    hinted = await desk.run(path)
    ended = await desk.run(path, "--rejected", str(listed))

    assert (hinted.code, ended.code) == (REJECTED, REJECTED)
    assert "--rejected" in hinted.out
    head, *rows = list(csv.reader(listed.read_text(encoding="utf-8").splitlines()))
    assert head == ["line", "reason"]
    assert [row[0] for row in rows] == [str(n) for n in range(1, 206)]
    assert all("missing" in row[1] for row in rows)


async def test_the_same_command_again_reports_the_same_import_and_sends_nothing(desk: Desk) -> None:
    path = desk.write(json_lines([_order(1)]))

    first = await desk.run(path)
    again = await desk.run(path)

    assert (first.code, again.code) == (DONE, DONE)
    assert "was imported with these options before" in again.out
    assert len(await desk.imports()) == len(desk.line.files) == 1


async def test_other_options_or_another_file_are_another_import(desk: Desk) -> None:
    path = desk.write(json_lines([_order(1)]))

    await desk.run(path)
    await desk.run(path, "--time-zone", "UTC")
    await desk.run(desk.write(json_lines([_order(2)])))

    assert len(await desk.imports()) == 3


async def test_an_upload_that_breaks_off_is_made_again(desk: Desk) -> None:
    desk.line.cut_early, desk.line.busy = 2, [503]

    ended = await desk.run(desk.write(json_lines([_order(n) for n in range(120)])))

    [shown] = await desk.imports()
    assert (ended.code, shown["accepted"], len(desk.line.files)) == (DONE, 120, 4)
    assert desk.paused[:3] == [1.0, 2.0, 7.0]  # the third wait is the service's own wish
    assert "WriteError" in ended.out
    assert "answered 503" in ended.out


async def test_an_upload_whose_answer_was_lost_is_not_made_again(desk: Desk) -> None:
    desk.line.cut_late = 1

    ended = await desk.run(desk.write(json_lines([_order(1)])))

    assert (ended.code, len(desk.line.files), len(await desk.imports())) == (DONE, 1, 1)
    assert "from an earlier run" in ended.out or "before" in ended.out


async def test_a_service_that_stays_away_ends_the_command_and_not_the_import(desk: Desk) -> None:
    path = desk.write(json_lines([_order(1)]))
    desk.line.deaf_jobs = len(PATIENCE) + 1

    away = await desk.run(path)
    after = await desk.run(path)

    assert (away.code, after.code) == (FAILED, DONE)
    assert "Given up: no answer from http://test (ConnectError)" in away.complaints
    assert len(await desk.imports()) == len(desk.line.files) == 1


async def test_a_break_while_the_job_runs_is_gone_on_from(desk: Desk) -> None:
    path = desk.write(json_lines([_order(n) for n in range(3)]))
    stopped = asyncio.create_task(_stopped_while_following(desk, path))
    with pytest.raises(asyncio.CancelledError):
        await stopped

    ended = await desk.run(path)

    [shown] = await desk.imports()
    assert (ended.code, shown["accepted"], len(desk.line.files)) == (DONE, 3, 1)
    assert "its import goes on" in ended.out


async def _stopped_while_following(desk: Desk, path: Path) -> None:
    async def stop(_: float) -> None:
        raise asyncio.CancelledError

    command = read_command([str(path), "--store", str(desk.shop.store_id), "--url", "http://test"], {TOKEN: desk.token})
    screen = Screen(Console(file=io.StringIO()), Console(file=io.StringIO()))
    await run(command, partial(open_service, transport=desk.line), DiskFile.at, screen, stop)


async def test_gzip_is_sent_as_it_is(desk: Desk) -> None:
    packed = gzip.compress(json_lines([_order(1)]))

    ended = await desk.run(desk.write(packed, "orders.bin"))

    [(headers, sent)] = desk.line.files
    assert (ended.code, headers["content-encoding"], sent) == (DONE, "gzip", packed)
    assert (await desk.imports())[0]["accepted"] == 1


async def test_options_reach_the_service(desk: Desk) -> None:
    path = desk.write(_TMALL.replace(",", ";").replace(".8", ",8").encode("gb18030"), "export.csv")
    options = ["--preset", "tmall_order_report", "--encoding", "gb18030", "--decimal-comma", "--no-tax-included"]

    ended = await desk.run(path, *options, "--time-zone", "Asia/Tokyo", "--currency", "CNY")

    [shown] = await desk.imports()
    assert (ended.code, shown["accepted"], shown["rejected"]) == (REJECTED, 2, 1)
    assert shown["options"] == {
        "max_backlog": 2500,
        "preset": "tmall_order_report",
        "encoding": "gb18030",
        "decimal_comma": True,
        "tax_included": False,
        "time_zone": "Asia/Tokyo",
        "currency": "CNY",
    }


async def test_a_dry_run_tells_what_would_come_and_keeps_nothing(desk: Desk) -> None:
    ended = await desk.run(desk.write(_TMALL.encode("gb18030")), "--preset", "auto", "--dry-run")

    assert (ended.code, await desk.imports()) == (REJECTED, [])
    assert "2 orders, total 198.80, refunded 8.80" in ended.out
    assert "2020-02-20 to 2020-02-21" in ended.out
    assert "Refused rows" in ended.out


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--preset", "amazon_shipping"], "/query/preset: is an export of amazon, the store is on shopify"),
        (["--preset", "auto", "--store", _STORE], "/query/store_id: you have no such store"),
        (["--preset", "auto", "--time-zone", "Mars/Olympus"], "IANA name"),
    ],
)
async def test_a_refusal_names_what_is_wrong_before_anything_is_sent(desk: Desk, more: list[str], told: str) -> None:
    desk.shop = await desk.house.shop("shopify", merchant_id=desk.shop.merchant_id)

    ended = await desk.run(desk.write(b"x"), *more)

    assert (ended.code, desk.line.files) == (FAILED, [])
    assert told in ended.complaints
    assert "(422" in ended.complaints


async def test_a_file_that_is_refused_as_a_whole_fails_with_the_services_words(desk: Desk) -> None:
    ended = await desk.run(desk.write(b"a,b\n1,2\n"), "--preset", "auto")

    assert ended.code == FAILED
    assert "the header fits none of the known exports" in ended.complaints
    assert [shown["state"] for shown in await desk.imports()] == ["uploading"]


async def test_a_token_without_the_scope_is_refused(desk: Desk) -> None:
    token = desk.house.bearer("imports:read", merchant_id=desk.shop.merchant_id)["Authorization"][7:]

    ended = await desk.run(desk.write(b"{}"), token=token)

    assert (ended.code, desk.line.files) == (FAILED, [])
    assert "(403" in ended.complaints


@pytest.mark.parametrize("preset", [None, "auto", *sorted(PRESETS)])
async def test_to_ask_for_a_known_key_is_never_taken_for_an_import(desk: Desk, preset: str | None) -> None:
    query = {"store_id": str(desk.shop.store_id)} | ({"preset": preset, "mapping": "{}"} if preset else {})
    desk.shop = await desk.house.shop("standard", merchant_id=desk.shop.merchant_id, account=f"of {preset}")

    async with open_service("http://test", desk.token, desk.line) as service:
        assert await service.known(query, f"key of {preset}") is None


async def test_a_terminal_sees_bars_with_rates(desk: Desk) -> None:
    ended = await desk.run(desk.write(json_lines([_order(1)])), is_terminal=True)

    assert ended.code == DONE
    assert "1 of 1 rows" in ended.out
    assert "/s" in ended.out
    assert "━" in ended.out


async def test_a_killed_upload_is_begun_again_by_the_same_command(house: House, tmp_path: Path) -> None:
    desk = Desk(house, await house.shop("standard"), tmp_path, Line(house))
    path, listed = desk.write(b"".join(b"%06d" % n + b"x" * 150_000 + b"\n" for n in range(150))), tmp_path / "r.csv"
    stalled = Stalling(_app(house), reads=40)

    async with _serving(stalled) as url, _working(house):
        first = await _started(desk, path, url)
        await stalled.reached.wait()
        first.send_signal(signal.SIGINT)
        _, said = await first.communicate()
        stalled.let_go.set()
        [half] = await desk.imports()
        second = await _started(desk, path, url, "--rejected", str(listed))
        out, complaints = await second.communicate()

    assert (first.returncode, half["state"]) == (STOPPED, "uploading")
    assert "The same command goes on" in said.decode()
    assert (second.returncode, complaints) == (REJECTED, b""), out
    [shown] = await desk.imports()
    assert (shown["rows_uploaded"], shown["rows_read"], shown["rejected"]) == (150, 150, 150)
    assert len(listed.read_text(encoding="utf-8").splitlines()) == 151


class Stalling:
    """The application behind a line on which the first file comes to a stop half way, until it is let go."""

    def __init__(self, app: ASGIApp, reads: int) -> None:
        self._app = app
        self._reads = reads
        self.reached = asyncio.Event()
        self.let_go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def received() -> Message:
            message = await receive()
            self._reads -= bool(message.get("more_body"))
            if self._reads == 0:
                self.reached.set()
                await self.let_go.wait()
            return message

        await self._app(scope, received, send)


def _app(house: House) -> ASGIApp:
    transport = house.client._transport
    assert isinstance(transport, httpx.ASGITransport)
    return transport.app


@asynccontextmanager
async def _serving(app: ASGIApp) -> AsyncIterator[str]:
    [port] = lasting_ports(1)
    async with _until_stopped(serve(app, host="127.0.0.1", port=port)):
        yield f"http://127.0.0.1:{port}"


def _working(house: House) -> AbstractAsyncContextManager[None]:
    return _until_stopped(house.job_runner().run)


@asynccontextmanager
async def _until_stopped(task: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.ensure_future(task(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def _started(desk: Desk, path: Path, url: str, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.order_ingest", "import", str(path), "--store", str(desk.shop.store_id), "--url", url, *more),
        env={**os.environ, TOKEN: desk.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("arguments", "token", "told"),
    [
        (["orders", "--store", _STORE], "", "HUITOU_TOKEN holds no token"),
        (["orders", "--store", _STORE], "two words", "is no token"),
        (["orders", "--store", _STORE], "tökén", "is no token"),
        (["orders"], "t", "--store"),
        (["orders", "--store", "mine"], "t", "--store"),
        (["missing", "--store", _STORE], "t", "is not a file"),
        (["empty", "--store", _STORE], "t", "is empty"),
        (["orders", "--store", _STORE, "--url", "127.0.0.1:8001"], "t", "not an http(s) address"),
        (["orders", "--store", _STORE, "--url", "ftp://a"], "t", "not an http(s) address"),
        (["orders", "--store", _STORE, "--preset", "excel"], "t", "--preset"),
        (["orders", "--store", _STORE, "--date-order", "year_first"], "t", "--date-order"),
        (["orders", "--store", _STORE, "--mapping", "orders"], "t", "is not JSON"),
        (["orders", "--store", _STORE, "--mapping", "missing"], "t", "No such file"),
        (["orders", "--store", _STORE, "--rejected", "orders"], "t", "is to be imported"),
        (["orders", "--store", _STORE, "--rejected", "nowhere/r.csv"], "t", "no file can be made"),
        (["orders", "--store", _STORE, "--rejected", "r.csv", "--dry-run"], "t", "belongs to an import"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    arguments: list[str], token: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders").write_bytes(b"{]\n")
    (tmp_path / "empty").touch()

    with pytest.raises(SystemExit) as ended:
        read_command(arguments, {TOKEN: token})

    assert ended.value.code == FAILED
    assert told in capsys.readouterr().err


def test_a_mapping_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    def told(text: str) -> str:
        (tmp_path / "m.json").write_text(text, encoding="utf-8")
        (tmp_path / "f").write_bytes(b"x")
        arguments = [str(tmp_path / "f"), "--store", _STORE, "--mapping", str(tmp_path / "m.json")]
        return read_command(arguments, {TOKEN: "t"}).query["mapping"]

    assert told('{"id": "订单", "a": "b"}') == told('\ufeff{\n"a":"b","id":"订单"}') == '{"a":"b","id":"订单"}'


def test_a_key_tells_files_and_options_apart_but_not_their_order() -> None:
    keys = {
        key_of("d", {"store_id": "1", "preset": "auto"}),
        key_of("d", {"preset": "auto", "store_id": "1"}),
        key_of("e", {"store_id": "1", "preset": "auto"}),
        key_of("d", {"store_id": "2", "preset": "auto"}),
        key_of("d", {"store_id": "1", "currency": "auto"}),
    }

    assert len(keys) == 4
    assert all(len(key) <= 255 for key in keys)


async def test_a_file_that_is_written_to_never_leaves_whole(tmp_path: Path) -> None:
    path = tmp_path / "orders"
    path.write_bytes(b"x" * (2 * BLOCK_BYTES + 7))
    os.utime(path, (1, 1))
    file, reached = DiskFile.at(path), list[int]()

    def write_to_it(done: int) -> None:
        path.touch()
        reached.append(done)

    with pytest.raises(FileChanged):
        await file.digest(write_to_it)
    with pytest.raises(FileChanged):
        await anext(aiter(file.blocks()))

    assert reached == [BLOCK_BYTES]


async def test_the_digest_is_the_files_sha_256(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    reached: list[int] = []

    digest = await DiskFile.at(tmp_path / "f").digest(reached.append)

    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert reached == [3]


def test_no_cell_of_the_rejected_rows_is_a_formula(tmp_path: Path) -> None:
    reasons = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'plain, "quoted"', "a\nb"]

    with rejected_file(tmp_path / "r.csv") as write:
        for row_no, reason in enumerate(reasons):
            write(RejectedRow(row_no, reason))

    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        written = [row[1] for row in csv.reader(file)][1:]
    assert written == [*(f"'{reason}" for reason in reasons[:6]), *reasons[6:]]


def test_a_list_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("before", encoding="utf-8")

    with suppress(LookupError), rejected_file(path) as write:
        write(RejectedRow(1, "x"))
        raise LookupError

    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def _lines(times: Sequence[float], *, total: int | None) -> list[str]:
    """What a log shows of so many steps at these times."""
    now, out = [0.0], io.StringIO()
    screen = Screen(Console(file=out, force_terminal=False, get_time=lambda: now[0]), Console(file=io.StringIO()))
    screen.begin("read", "rows", total)
    for done, now[0] in enumerate(times, start=1):
        screen.reached(done, total)
    return out.getvalue().splitlines()


def test_without_a_terminal_a_line_is_said_every_few_seconds_and_at_the_end() -> None:
    steps = [1.0, LINE_SECONDS, LINE_SECONDS + 1, 2 * LINE_SECONDS, 2 * LINE_SECONDS + 1]

    assert _lines(steps, total=5) == [
        "read: 2 of 5 rows, 0/s",
        "read: 4 of 5 rows, 0/s",
        "read: 5 of 5 rows, 0/s",
    ]


def test_texts_from_elsewhere_are_shown_and_not_obeyed() -> None:
    out = io.StringIO()
    screen = Screen(Console(file=out, force_terminal=True, color_system=None), Console(file=io.StringIO()))

    screen.say("[red]x[/red]\x1b[2J\x07")

    assert out.getvalue() == "[red]x[/red]?[2J?\n"
