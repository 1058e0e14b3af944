"""The one file of a form, taken out of it as it streams in. Source: RFC 7578."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from services.order_ingest.entrypoints.upload import UploadRefused, gunzipped, plain

FORM: Final = "multipart/form-data"
PART: Final = "file"
_GZIP: Final = b"application/gzip"
_GZIP_ENDING: Final = b".gz"
_MOST_HEADERS: Final = 8
_HEADER_BYTES: Final = 4096
_AROUND_BYTES: Final = 1 << 16
"""So much of a form may be no file: what stands before and behind the parts is skipped, but not without end."""


def is_form(content_type: str) -> bool:
    """True if a body of this Content-Type is a form that may hold a file."""
    kind, _ = parse_options_header(content_type)
    return kind == FORM.encode()


async def file_of(body: AsyncIterator[bytes], content_type: str) -> AsyncGenerator[bytes, None]:
    """The bytes of the form's one file, unpacked where the part says that it is gzip; constant memory.

    Raises:
        UploadRefused: the form has no boundary, no end, other parts than one file of the right name, or is broken;
            the file is not the gzip that it was said to be.
    """
    form = _Form(_boundary(content_type))
    pieces = _pieces(form, body)
    first = await anext(pieces, b"")  # the part's headers stand before its first byte
    unpacked = (gunzipped if form.is_gzip else plain)(_again(first, pieces))
    async for piece in unpacked:
        yield piece


def _boundary(content_type: str) -> bytes:
    _, parameters = parse_options_header(content_type)
    boundary = parameters.get(b"boundary", b"")
    if not boundary:
        raise UploadRefused(f"the Content-Type {FORM} names no boundary")
    return boundary


async def _pieces(form: "_Form", body: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for part in body:
        for piece in form.take(part):
            yield piece
    form.end()


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece


class _Form:
    """A form as far as it has come; of the file it holds only what the last part of the body brought."""

    def __init__(self, boundary: bytes) -> None:
        self.is_gzip = False
        self._parts = 0
        self._is_whole = False
        self._around = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._pieces: list[bytes] = []
        try:
            self._parser = self._parser_of(boundary)
        except FormParserError as error:
            raise _broken(error) from error

    def take(self, part: bytes) -> Sequence[bytes]:
        """The bytes of the file that came with this part of the body."""
        try:
            self._parser.write(part)
        except FormParserError as error:
            raise _broken(error) from error
        pieces, self._pieces = self._pieces, []
        self._around += len(part) - sum(map(len, pieces))
        if self._around > _AROUND_BYTES:
            raise UploadRefused(f"the form has more than {_AROUND_BYTES} bytes beside its file")
        return pieces

    def end(self) -> None:
        """The body is over: the form must be, and must have had its file."""
        if not self._is_whole:
            raise UploadRefused("the form ends before its closing boundary")
        if not self._parts:
            raise UploadRefused(f"the form has no part named {PART}")

    def _parser_of(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_to_name,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._judge_part,
                "on_part_data": self._keep,
                "on_end": self._end_form,
            },
            max_header_count=_MOST_HEADERS,
            max_header_size=_HEADER_BYTES,
        )

    def _begin_part(self) -> None:
        self._parts += 1
        self._headers = {}

    def _add_to_name(self, content: bytes, start: int, end: int) -> None:
        self._name += content[start:end]

    def _add_to_value(self, content: bytes, start: int, end: int) -> None:
        self._value += content[start:end]

    def _end_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _judge_part(self) -> None:
        _, parameters = parse_options_header(self._headers.get(b"content-disposition"))
        if parameters.get(b"name") != PART.encode():
            raise UploadRefused(f"the form has a part that is not named {PART}; options belong into the query")
        if not parameters.get(b"filename"):
            raise UploadRefused(f"the part {PART} is no file: it has no filename")
        if self._parts > 1:
            raise UploadRefused("the form has more than one file")
        kind, _ = parse_options_header(self._headers.get(b"content-type"))
        self.is_gzip = kind == _GZIP or parameters[b"filename"].lower().endswith(_GZIP_ENDING)

    def _keep(self, content: bytes, start: int, end: int) -> None:
        self._pieces.append(content[start:end])

    def _end_form(self) -> None:
        self._is_whole = True


def _broken(error: FormParserError) -> UploadRefused:
    return UploadRefused(f"the form is broken: {str(error)[:1].lower()}{str(error)[1:]}")
