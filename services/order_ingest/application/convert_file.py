"""An exported file becomes lines of our own format, each with the row of the file that it came from."""

import json
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from services.order_ingest.domain.files import detection, presets, rows
from services.order_ingest.domain.files.errors import UnfitOptions
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.presets import Converted, Preset
from services.order_ingest.domain.files.rows import Refused
from services.order_ingest.domain.reading import Object, text

ENCODINGS: Final = frozenset(
    {
        *("utf-8", "utf-8-sig", "utf-16", "gb18030", "gbk", "gb2312", "big5", "cp932", "shift_jis", "euc-jp"),
        *("euc-kr", "iso-8859-1", "iso-8859-15", "cp1250", "cp1251", "cp1252"),
    }
)
LINE_CHARACTERS: Final = 1 << 20
_PIECE_BYTES: Final = 1 << 16


class FileRefused(Exception):
    """The file as a whole cannot be converted; the message says why and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """How a file is to be read; what is None is found out from the file itself."""

    preset: Preset | None
    options: Options
    encoding: str | None = None


def convert(parts: Iterable[bytes], file: ExportedFile) -> Iterator[bytes]:
    """Lines of row, tab and canonical order, or row, tab and `{"refused": why, "id": ...}`, in pieces of about 64 KiB.

    Constant memory whatever the file's size.

    Raises:
        FileRefused: no preset fits, the encoding is not what it was said to be, or a line is longer than 1 MiB.
        UnfitOptions: an option that the preset needs is missing.
    """
    lines = _lines(iter(parts), file.encoding)
    header = next(lines, "")
    delimiter = detection.delimiter(header)
    preset = file.preset or _detected(header, delimiter)
    found = rows.read(chain([header], lines), delimiter=delimiter, quoting=preset.quoting)
    piece = bytearray()
    for each in presets.orders(found, preset, file.options):
        piece += _line(each)
        if len(piece) >= _PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


def _detected(header: str, delimiter: str) -> Preset:
    preset = presets.detect(rows.headers([header], delimiter=delimiter, quoting=True))
    if preset is None:
        known = ", ".join(sorted(presets.PRESETS))
        raise FileRefused(f"the header fits none of the known exports; name the preset: {known}")
    return preset


def _line(found: Converted | Refused) -> bytes:
    content = {"refused": found.reason, "id": found.external_id} if isinstance(found, Refused) else found.order
    return b"%d\t%b\n" % (found.line, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def parted(line: bytes) -> tuple[int, bytes]:
    """The row and the content of a line that `convert` made."""
    row, _, content = line.partition(b"\t")
    return int(row), content


def refusal(body: Object) -> str | None:
    """Why the row was left out, if the content says that it was."""
    return text(body, "refused")


def _lines(parts: Iterator[bytes], encoding: str | None) -> Iterator[str]:
    """Physical lines with their ends; a byte order mark is no part of the first."""
    sample = bytearray()
    for part in parts:
        sample += part
        if len(sample) >= detection.SAMPLE_BYTES:
            break
    name = encoding or detection.decode_name(bytes(sample[: detection.SAMPLE_BYTES]))
    decoder, rest = _decoder(name), ""
    try:
        for part in chain([bytes(sample)], parts):
            *whole, rest = (rest + decoder.decode(part)).split("\n")
            yield from (f"{line}\n" for line in whole)
            if len(rest) > LINE_CHARACTERS:
                raise FileRefused(f"a line is longer than {LINE_CHARACTERS} characters")
        rest += decoder.decode(b"", final=True)
    except UnicodeError as error:  # UTF-16 without its mark is no UnicodeDecodeError
        raise FileRefused(f"the file is not {name}; name its encoding") from error
    if rest:
        yield rest


def _decoder(encoding: str) -> IncrementalDecoder:
    # Python's other codecs are not all of texts: some would unpack, or read what stands in the file as code.
    if encoding.lower() not in ENCODINGS:
        raise UnfitOptions(f"encoding must be one of {', '.join(sorted(ENCODINGS))}")
    return getincrementaldecoder(encoding)()
