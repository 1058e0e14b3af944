"""A form's one file comes out as it went in, wherever its parts end; what is no such form is refused."""

import gzip
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import httpx
import pytest

from services.order_ingest.entrypoints.multipart import file_of, is_form
from services.order_ingest.entrypoints.upload import UploadRefused

_BOUNDARY: Final = "a-boundary"
_KIND: Final = f"multipart/form-data; boundary={_BOUNDARY}"
_FILE: Final = 'form-data; name="file"; filename="orders.csv"'
_LOOKALIKES: Final = b"\r\n--a-boundar\r\n--a-boundaryX\r\n-\r\n--\r\r\n--a-bound\r\n--a-boundary-X\n\r\n"


def _part(content: bytes, disposition: str = _FILE, kind: str = "text/csv") -> bytes:
    head = f"--{_BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def _form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()


async def _flowing(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _cut(body: bytes, size: int) -> Sequence[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


async def _read(body: bytes, kind: str = _KIND, size: int = 1 << 16) -> bytes:
    return b"".join([piece async for piece in file_of(_flowing(_cut(body, size)), kind)])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 13, 64, 1000, 1 << 16])
async def test_the_file_comes_out_as_it_went_in_wherever_the_parts_end(size: int) -> None:
    content = b"id,total\r\n" + _LOOKALIKES * 3 + bytes(range(256)) + b"\r\n--a-b"

    assert await _read(_form(_part(content)), size=size) == content


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        ('form-data; name="file"; filename="订单.csv.gz"', "text/csv"),
        ('form-data; name="file"; filename="ORDERS.GZ"', "application/octet-stream"),
        ('form-data; name="file"; filename="orders.csv"', "application/gzip"),
        ("form-data; name=file; filename=orders.csv.gz", "text/csv"),
    ],
)
@pytest.mark.parametrize("size", [1, 50, 1 << 16])
async def test_a_part_that_says_it_is_gzip_is_unpacked(disposition: str, kind: str, size: int) -> None:
    content = b"1,2\n" * 5000

    assert await _read(_form(_part(gzip.compress(content), disposition, kind)), size=size) == content


async def test_gzip_that_nobody_spoke_of_stays_as_it_is() -> None:
    packed = gzip.compress(b"1,2\n")

    assert await _read(_form(_part(packed))) == packed


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"1,2\n" * 100)[:-9], b""])
async def test_a_part_that_is_not_the_gzip_it_says_is_refused(content: bytes) -> None:
    with pytest.raises(UploadRefused, match="gzip"):
        await _read(_form(_part(content, kind="application/gzip")))


async def test_what_httpx_makes_of_a_file_is_understood() -> None:
    request = httpx.Request("POST", "http://test", files={"file": ("bestellungen-März.csv", b"1,2\n", "text/csv")})

    assert await _read(request.read(), request.headers["content-type"]) == b"1,2\n"


async def test_the_headers_case_and_what_stands_around_the_parts_do_not_matter() -> None:
    head = f'\r\n--{_BOUNDARY}\r\nCONTENT-DISPOSITION:   form-data; NAME="file"; filename="x.csv"\r\n\r\n'
    body = head.encode() + b"1,2\r\n" + f"--{_BOUNDARY}--\r\nan epilogue".encode()

    assert await _read(body) == b"1,2"


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (_form(_part(b"1")), "multipart/form-data", "names no boundary"),
        (_form(_part(b"1")), "multipart/form-data; boundary=", "names no boundary"),
        (_form(_part(b"1")), f"multipart/form-data; boundary={'x' * 300}", "form is broken: boundary length"),
        (_form(), _KIND, "no part named file"),
        (_form(_part(b"1"), _part(b"2")), _KIND, "more than one file"),
        (_form(_part(b"1", 'form-data; name="orders"; filename="x.csv"')), _KIND, "not named file"),
        (_form(_part(b"auto", 'form-data; name="preset"'), _part(b"1")), _KIND, "not named file"),
        (_form(_part(b"1"), _part(b"auto", 'form-data; name="preset"')), _KIND, "not named file"),
        (_form(_part(b"orders.csv", 'form-data; name="file"')), _KIND, "no filename"),
        (_form(_part(b"", 'form-data; name="file"; filename=""')), _KIND, "no filename"),
        (f"--{_BOUNDARY}\r\n\r\n1\r\n--{_BOUNDARY}--".encode(), _KIND, "not named file"),
        (b"", _KIND, "before its closing boundary"),
        (_part(b"1"), _KIND, "before its closing boundary"),
        (_form(_part(b"1"))[:-4], _KIND, "before its closing boundary"),
        (_part(b"1")[:40], _KIND, "before its closing boundary"),
        (b"id,total\n1,2\n", _KIND, "form is broken"),
        (_form(_part(b"1")).replace(b": ", b"\xff "), _KIND, "form is broken"),
        (_form(_part(b"1", kind="x" * 5000)), _KIND, "form is broken: maximum header size"),
        (_form(_part(b"1", _FILE + "\r\nX-A: b" * 9)), _KIND, "form is broken: maximum header count"),
        (_form(_part(b"1")) + b"x" * (1 << 17), _KIND, "bytes beside its file"),
        (b"\r\n" * (1 << 16) + _form(_part(b"1")), _KIND, "bytes beside its file"),
    ],
)
@pytest.mark.parametrize("size", [1000, 1 << 20])
async def test_what_is_no_form_with_one_file_is_refused_with_the_reason(
    body: bytes, kind: str, reason: str, size: int
) -> None:
    with pytest.raises(UploadRefused, match=reason):
        await _read(body, kind, size)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (_KIND, True),
        ("Multipart/Form-Data; boundary=x", True),
        ("multipart/form-data", True),
        ("multipart/mixed; boundary=x", False),
        ("text/csv; note=multipart/form-data", False),
        ("", False),
    ],
)
def test_only_forms_are_taken_for_forms(kind: str, expected: bool) -> None:
    assert is_form(kind) is expected


async def test_a_large_file_is_never_held() -> None:
    block, blocks, seen = b"1,2\r\n--a-bound" * 4000, 600, 0

    def body() -> Iterable[bytes]:
        yield _part(b"")[:-2]
        for _ in range(blocks):
            yield block
        yield b"\r\n" + _form()

    tracemalloc.start()
    try:
        async for piece in file_of(_flowing(body()), _KIND):
            seen += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert seen == len(block) * blocks > 30 << 20
    assert peak < 1 << 20
