"""Single cells: ids that spreadsheets have spoilt, amounts that may mean two things, times in many shapes."""

from datetime import UTC, datetime

import pytest

from services.order_ingest.domain.files import cells
from services.order_ingest.domain.files.amounts import Tender
from services.order_ingest.domain.files.detection import DateOrder
from services.order_ingest.domain.files.errors import Unconvertible, UnfitOptions
from services.order_ingest.domain.files.options import Options
from services.order_ingest.domain.files.order_parts import names, tender


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("", None),
        ("  ", None),
        ("0012", "0012"),
        ("1930679858170647123", "1930679858170647123"),
        ('="1930679858170647123"', "1930679858170647123"),
        ("'1930679858170647123", "1930679858170647123"),
        ("1930679858170647123\t", "1930679858170647123"),
        ("114-3718414-0463502", "114-3718414-0463502"),
        ("3791234567890.0", "3791234567890"),
        ("12E5", "12E5"),
        ("gid://shopify/Order/1", "gid://shopify/Order/1"),
    ],
)
def test_an_id_stays_text(cell: str, found: str | None) -> None:
    assert cells.identifier({"Id": cell}, "Id") == found


@pytest.mark.parametrize("cell", ["1.02E+17", "1.02e+17", "1,02E+17", "2E+15", "'1.02E+17", "1930679858170647123.0"])
def test_an_id_that_a_spreadsheet_has_rounded_is_lost(cell: str) -> None:
    with pytest.raises(Unconvertible, match="Id: a spreadsheet has saved the id as a rounded number: the id is lost"):
        cells.identifier({"Id": cell}, "Id")


@pytest.mark.parametrize(
    ("cell", "currency", "comma", "minor"),
    [
        ("19.99", "USD", False, 1999),
        ("1,299.50", "USD", False, 129950),
        ("1,234,567", "USD", False, 123456700),
        ("-5.00", "USD", False, -500),
        ("1500", "JPY", False, 1500),
        ("1500.00", "JPY", False, 1500),
        ("1499", "TWD", False, 149900),
        ("12.345", "KWD", False, 12345),
        ("1,234.5", "KWD", False, 1234500),
        ("19,99", "EUR", True, 1999),
        ("1.299,5", "EUR", True, 129950),
        ("1\u202f299,50", "EUR", True, 129950),
        ("1’299.50", "CHF", False, 129950),
        ("1.234", "EUR", True, 123400),
        ("", "EUR", True, 0),
        ("null", "CNY", False, 0),
    ],
)
def test_an_amount_becomes_minor_units_of_its_currency(cell: str, currency: str, comma: bool, minor: int) -> None:
    assert cells.minor({"Total": cell}, "Total", Tender(currency, comma)) == minor


@pytest.mark.parametrize(
    ("cell", "currency", "comma"),
    [
        ("19,99", "USD", False),
        ("19.99", "EUR", True),
        ("0,125", "USD", False),
        ("1,23", "USD", False),
        ("1,2345", "USD", False),
        ("1,234 567", "USD", False),
        ("1.234.567", "USD", False),
        ("(12.00)", "USD", False),
        ("12.00-", "USD", False),
        ("+12.00", "USD", False),
        ("− 12", "USD", False),
        ("$12", "USD", False),
        ("12 USD", "USD", False),
        ("598元", "CNY", False),
        ("1.5E+3", "USD", False),
        (".5", "USD", False),
        ("5.", "USD", False),
        ("１２", "JPY", False),
        ("NaN", "USD", False),
        ("Infinity", "USD", False),
        ("9" * 40, "USD", False),
        ("19.999", "USD", False),
        ("1500.5", "JPY", False),
        ("1,234", "KWD", False),
        ("1.234", "KWD", True),
    ],
)
def test_an_amount_that_may_mean_something_else_is_refused(cell: str, currency: str, comma: bool) -> None:
    with pytest.raises(Unconvertible, match=r"^Total: "):
        cells.minor({"Total": cell}, "Total", Tender(currency, comma))


def test_a_complaint_never_quotes_the_cell() -> None:
    with pytest.raises(Unconvertible) as caught:
        cells.minor({"Total": "ann@example.com"}, "Total", Tender("USD"))

    assert "ann" not in str(caught.value)


def test_a_currency_is_the_file_s_else_the_option_s() -> None:
    assert tender("eur", Options(currency="USD")).currency == "EUR"
    assert tender("", Options(currency="USD")).currency == "USD"
    for code in ("", "US$"):
        with pytest.raises(Unconvertible, match=r"^currency: "):
            tender(code, Options())


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("2021-05-13 11:01:13 +0200", "2021-05-13T11:01:13+02:00"),
        ("2025-04-05T09:25:13-08:00", "2025-04-05T09:25:13-08:00"),
        ("2025-04-05T09:25:13.123Z", "2025-04-05T09:25:13+00:00"),
        ("2025-04-05 09:25:13 UTC", "2025-04-05T09:25:13+00:00"),
        ("2025-04-05 09:25:08", "2025-04-05T09:25:08+08:00"),
        ("2025-04-05T09:25:13", "2025-04-05T09:25:13+08:00"),
        ("2020/2/21 0:00", "2020-02-21T00:00:00+08:00"),
        ("2020-02-21", "2020-02-21T00:00:00+08:00"),
        ("2020/2/21 12:05 AM", "2020-02-21T00:05:00+08:00"),
        ("2020/2/21 1:05:09 pm", "2020-02-21T13:05:09+08:00"),
    ],
)
def test_a_time_is_read_with_its_offset_or_its_zone(cell: str, found: str) -> None:
    options = Options(time_zone="Asia/Shanghai")

    assert cells.required_instant({"at": cell}, "at", options).isoformat() == found


def test_a_clock_change_gives_the_offset_of_that_day_and_the_first_of_two_hours() -> None:
    options = Options(time_zone="Europe/Berlin")

    winter = cells.required_instant({"at": "2025-01-10 12:00:00"}, "at", options)
    doubled = cells.required_instant({"at": "2025-10-26 02:30:00"}, "at", options)

    assert winter.astimezone(UTC) == datetime(2025, 1, 10, 11, tzinfo=UTC)
    assert doubled.astimezone(UTC) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("order", "found"), [(DateOrder.DAY_FIRST, (4, 3)), (DateOrder.MONTH_FIRST, (3, 4))])
def test_day_and_month_are_read_in_the_order_of_the_file(order: DateOrder, found: tuple[int, int]) -> None:
    options = Options(time_zone="UTC", date_order=order)

    at = cells.required_instant({"at": "03/04/2021 10:00"}, "at", options)

    assert (at.month, at.day) == found


@pytest.mark.parametrize("order", [DateOrder.UNAMBIGUOUS, DateOrder.ASK])
@pytest.mark.parametrize("cell", ["03/04/2021", "25/12/2021"])
def test_day_and_month_are_never_guessed_from_one_cell(cell: str, order: DateOrder) -> None:
    options = Options(time_zone="UTC", date_order=order)

    with pytest.raises(Unconvertible, match="which is the day and which the month"):
        cells.instant({"at": cell}, "at", options)


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday",
        "13/05/21",
        "2021-02-30",
        "2021-13-01",
        "25/12/2021",
        "2021-05-13 25:00:00",
        "2021-05-13 0:30 AM",
        "2021-05/13",
        "2021-05-13 11:01:13 +9900",
        "44329.459",
        "0000-00-00 00:00:00",
    ],
)
def test_what_is_no_time_of_the_calendar_is_refused(cell: str) -> None:
    options = Options(time_zone="UTC", date_order=DateOrder.MONTH_FIRST)

    with pytest.raises(Unconvertible, match=r"^at: "):
        cells.instant({"at": cell}, "at", options)


def test_a_time_without_offset_needs_a_zone() -> None:
    with pytest.raises(Unconvertible, match="at: has no offset: time_zone must be given"):
        cells.instant({"at": "2021-05-13 11:01:13"}, "at", Options())


@pytest.mark.parametrize("cell", ["", "1.5", "-1", "two", "1e3", "1" * 10])
def test_a_quantity_is_a_whole_number(cell: str) -> None:
    with pytest.raises(Unconvertible, match="quantity"):
        cells.quantity({"n": cell}, "n")


@pytest.mark.parametrize(
    ("full_name", "given", "family"),
    [
        ("Ann Smith", "Ann", "Smith"),
        ("Ann van der Berg", "Ann", "van der Berg"),
        ("山田 太郎", "太郎", "山田"),
        ("马慧", "马慧", None),
        ("", None, None),
    ],
)
def test_a_full_name_is_two(full_name: str, given: str | None, family: str | None) -> None:
    assert names(full_name) == {"given_name": given, "family_name": family}


@pytest.mark.parametrize(
    "wrong",
    [{"time_zone": "Mars/Olympus"}, {"time_zone": "../etc/passwd"}],
)
def test_options_that_cannot_be_are_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(UnfitOptions):
        Options(**wrong)  # type: ignore[arg-type]
