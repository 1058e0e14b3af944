"""How a file is written, told from its first bytes, its header, or a whole column; and never from one cell."""

import codecs

import pytest

from services.order_ingest.domain.files.detection import (
    SAMPLE_BYTES,
    DateOrder,
    date_order,
    decimal_comma,
    decode_name,
    delimiter,
)
from tests.services.order_ingest.domain.files import shapes

_CHINESE = "订单编号,买家会员名,总金额,宝贝标题\n1,幸福,598,日本直邮洗面奶化妆水乳液护肤特惠套装，包邮\n"
_JAPANESE = "注文番号,購入者名,商品名\n1,山田太郎,ステンレス製マグカップ（青）とコーヒーのセット\n"
_GERMAN = "Bestellung;Käufer;Größe\n1;Jürgen Müller;groß, für Österreich – 12,50 €\n"
_FRENCH = "N°,Prénom,Créée à\n1,Zoé Hélène,« Île-de-France, forêt »\n"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "utf-8"),
        (b"Name,Email\n#1,a@b.c\n", "utf-8"),
        (codecs.BOM_UTF8 + b"Name\n", "utf-8-sig"),
        ("Name\n".encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + "Name\n".encode("utf-16-be"), "utf-16"),
        (_CHINESE.encode(), "utf-8"),
        (_GERMAN.encode(), "utf-8"),
        (_CHINESE.encode("gbk"), "gb18030"),
        ((_CHINESE + "𠮷,㐀\n").encode("gb18030"), "gb18030"),
        ("订单编号\n".encode("gbk"), "gb18030"),
        (_JAPANESE.encode("cp932"), "cp932"),
        (_GERMAN.encode("cp1252"), "cp1252"),
        (_FRENCH.encode("cp1252"), "cp1252"),
        ("name\ncafé".encode("cp1252"), "cp1252"),
        ("name\nGröße\n".encode("cp1252"), "cp1252"),
        ("name\ncréée\n".encode("cp1252"), "cp1252"),
        ("name\nMüller\n".encode("cp1252"), "cp1252"),
        ("name\nÖl, Äpfel, École, Ñu\n".encode("cp1252"), "cp1252"),
        ("GRÖßE;KÄUFER;Müller;Größte\n".encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_told_from_the_first_bytes(content: bytes, name: str) -> None:
    assert decode_name(content) == name


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [(_CHINESE, "utf-8", "utf-8"), (_CHINESE, "gb18030", "gb18030"), (_JAPANESE, "cp932", "cp932")],
)
def test_a_character_that_the_sample_cuts_in_two_changes_nothing(text: str, codec: str, name: str) -> None:
    content = text.encode(codec)

    assert {decode_name(content[:length]) for length in range(len(content) - 24, len(content))} == {name}


def test_a_first_foreign_character_at_the_very_end_of_a_full_sample_is_cut_not_wrong() -> None:
    padded = "a" * (SAMPLE_BYTES - 1) + "é"

    assert decode_name(padded.encode()[:SAMPLE_BYTES]) == "utf-8"


@pytest.mark.parametrize("columns", [shapes.TAOBAO_HEADERS, shapes.TMALL_HEADERS])
def test_chinese_headers_alone_are_enough(columns: list[str]) -> None:
    assert decode_name(",".join(columns).encode("gb18030")) == "gb18030"


@pytest.mark.parametrize(
    ("header", "mark"),
    [
        ("a,b,c\n", ","),
        ("a\tb, c\td\n", "\t"),
        ("a;b;c, d\n", ";"),
        ('"Price, net, in EUR";"Tax, too";Name\n', ";"),
        ("Name\n", ","),
        ("", ","),
        ("a,b;c\n", ","),
    ],
)
def test_the_header_outside_its_quotes_tells_the_delimiter(header: str, mark: str) -> None:
    assert delimiter(header) == mark


@pytest.mark.parametrize(
    ("column", "order"),
    [
        (["2020-02-21 00:00:00", "2020/2/21 0:00", ""], DateOrder.UNAMBIGUOUS),
        ([], DateOrder.UNAMBIGUOUS),
        (["03/04/2021", "25/12/2021 10:00"], DateOrder.DAY_FIRST),
        (["3.4.2021", "5.31.2021"], DateOrder.MONTH_FIRST),
        (["03/04/2021", "05/06/2021", "2021-01-01"], DateOrder.ASK),
        (["25/12/2021", "12/25/2021"], DateOrder.ASK),
    ],
)
def test_only_a_whole_column_tells_the_day_from_the_month(column: list[str], order: DateOrder) -> None:
    assert date_order(iter(column)) is order


@pytest.mark.parametrize(
    ("column", "answer"),
    [
        ([], False),
        (["12", "1000", ""], False),
        (["12.50", "1,234.56"], False),
        (["12,50", "1.234,56"], True),
        (["1 234,56", "1'000"], True),
        (["1,234,567"], False),
        (["1.234.567"], True),
        (["0,125"], True),
        (["1234,567"], True),
        (["1,234", "2,500"], None),
        (["1,234", "2,5"], True),
        (["1,234", "2.5"], False),
        (["12.50", "12,50"], None),
        (["-1.234", "n/a"], None),
    ],
)
def test_only_a_whole_column_tells_decimals_from_thousands(column: list[str], answer: bool | None) -> None:
    assert decimal_comma(iter(column)) is answer
