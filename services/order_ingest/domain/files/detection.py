"""How a file is written: its encoding, its delimiter, the order of day and month, the mark before its decimals.

Nothing here guesses from one cell what only a whole column can tell; where the column leaves two readings possible,
the answer says so, and a person has to be asked.
"""

import re
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

SAMPLE_BYTES: Final = 64 * 1024
"""So much of a file is looked at; a shorter sample is taken for the whole file."""

_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LAST_RESORT: Final = "cp1252"
_DELIMITERS: Final = ("\t", ",", ";")
_QUOTED: Final = re.compile(r'"[^"]*"')
_YEAR_LAST: Final = re.compile(r"\s*([0-9]{1,2})([-/.])([0-9]{1,2})\2[0-9]{4}(?![0-9])")
_FIGURES: Final = re.compile(r"-?[0-9]+(?:[.,][0-9]+)*")
_SPACING: Final = str.maketrans("", "", " \u00a0\u202f'\u2019")


class DateOrder(Enum):
    """How a column writes its dates. UNAMBIGUOUS: every year stands first. ASK: the column does not tell."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    UNAMBIGUOUS = "unambiguous"
    ASK = "ask"


def decode_name(first_bytes: bytes) -> str:
    """The name of the codec that reads the file.

    1. A byte order mark decides. 2. What is strictly valid UTF-8 is UTF-8: text in another encoding hardly ever is.
    3. GB18030 (with GBK and GB2312 in it) and Shift_JIS decode almost anything, accented Latin text too, so one of
    them is taken only if three quarters of its characters beyond ASCII are everyday ones: GB2312's punctuation and
    first 3,755 characters; kana and level 1 kanji. If both pass, the larger share wins, then GB18030. 4. Windows-1252.

    A character that the end of the sample cuts in two is not held against any encoding. Big5 and EUC are not known.
    """
    for mark, name in _MARKS:
        if first_bytes.startswith(mark):
            return name
    if _is_utf8(first_bytes):
        return "utf-8"
    shares = [
        (_everyday(first_bytes, "gb18030", _in_gb2312), "gb18030"),
        (_everyday(first_bytes, "cp932", _in_jis), "cp932"),
    ]
    share, name = max(shares, key=lambda each: each[0])
    return name if share >= 750 else _LAST_RESORT


def _is_utf8(sample: bytes) -> bool:
    decoder = getincrementaldecoder("utf-8")()
    try:
        decoded = decoder.decode(sample)
        # In a short file whose only foreign byte is its last, nothing was cut: the byte itself is the evidence.
        cut = bool(decoder.getstate()[0])
        if cut and decoded.isascii() and len(sample) < SAMPLE_BYTES:
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _everyday(sample: bytes, codec: str, is_everyday: Callable[[bytes], bool]) -> int:
    """The share of everyday characters among those beyond ASCII, in thousandths; 0 for what cannot be decoded."""
    try:
        decoded = getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return 0
    foreign = [character.encode(codec) for character in decoded if not character.isascii()]
    return 1000 * sum(map(is_everyday, foreign)) // len(foreign) if foreign else 0


def _in_gb2312(character: bytes) -> bool:
    # Level 1 only: two accented Latin letters in a row ("Größe", "créée") look like level 2.
    lead, trail = character[0], character[-1]
    return len(character) == 2 and trail >= 0xA1 and (0xA1 <= lead <= 0xA3 or 0xB0 <= lead <= 0xD7)


def _in_jis(character: bytes) -> bool:
    # Half-width kana (0xA1 to 0xDF) do not count: Chinese and accented Latin text read as Shift_JIS is full of them.
    return 0x81 <= character[0] <= 0x83 or 0x88 <= character[0] <= 0x98


def delimiter(header_line: str) -> str:
    """Tab, comma or semicolon: what the header, outside its quotes, has most of; the earlier of equals, else comma."""
    bare = _QUOTED.sub("", header_line)
    best = max(_DELIMITERS, key=bare.count)
    return best if best in bare else ","


def date_order(column: Iterable[str]) -> DateOrder:
    """How the whole column writes its dates; ASK if no date decides, or if two decide differently."""
    year_last = day_first = month_first = False
    for cell in column:
        if found := _YEAR_LAST.match(cell):
            year_last = True
            day_first |= int(found[1]) > 12
            month_first |= int(found[3]) > 12
    if not year_last:
        return DateOrder.UNAMBIGUOUS
    if day_first == month_first:
        return DateOrder.ASK
    return DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST


def decimal_comma(column: Iterable[str]) -> bool | None:
    """Whether the whole column of amounts writes decimals after a comma; None if it does not tell: ask.

    A column of whole numbers without any mark is no decimal comma: there the answer changes nothing.
    """
    commas = points = unclear = False
    for cell in column:
        mark = _decimal_mark(cell.translate(_SPACING))
        commas |= mark == ","
        points |= mark == "."
        unclear |= mark == "?"
    if commas and points:
        return None
    return commas if commas or points or not unclear else None


def _decimal_mark(amount: str) -> str:
    """The mark before the decimals; "?" if it may also part thousands, "" if the amount says nothing."""
    marks = [character for character in amount if character in ",."]
    if not marks or not _FIGURES.fullmatch(amount):
        return ""
    if len(set(marks)) == 2:
        return marks[-1]
    if len(marks) > 1:
        return "." if marks[0] == "," else ","
    whole, _, rest = amount.lstrip("-").partition(marks[0])
    return "?" if len(rest) == 3 and len(whole) <= 3 and not whole.startswith("0") else marks[0]
