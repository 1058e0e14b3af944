"""Which lot gives first: the one that expires first, then the older one, whenever it became usable."""

from datetime import datetime
from uuid import UUID, uuid4

from services.loyalty.domain.accounts import Account, Lot
from services.loyalty.domain.book import Book
from services.loyalty.domain.entries import Header, Journal
from services.loyalty.domain.spending import spend
from tests.services.loyalty.facts import DAY, MERCHANT, START

NOW = START + 9 * DAY


def test_lots_without_an_end_give_in_the_order_in_which_they_were_granted() -> None:
    older = _lot(1, usable_from=NOW - DAY, expires_at=None)
    younger = _lot(2, usable_from=NOW - 2 * DAY, expires_at=None)
    assert _drawn(younger, older, points=60) == {1: -50, 2: -10}


def test_a_lot_with_an_end_gives_before_one_without_and_the_nearer_end_before_the_later() -> None:
    lots = (
        _lot(1, usable_from=START, expires_at=None),
        _lot(2, usable_from=START, expires_at=NOW + 2 * DAY),
        _lot(3, usable_from=START, expires_at=NOW + DAY),
    )
    assert _drawn(*lots, points=120) == {3: -50, 2: -50, 1: -20}


def _lot(number: int, *, usable_from: datetime, expires_at: datetime | None) -> Lot:
    return Lot(number, uuid4(), 1000, None, None, 50, 50, 0, usable_from, expires_at)


def _drawn(*lots: Lot, points: int) -> dict[int, int]:
    account = Account(1, 1000, UUID(int=1), posted=sum(lot.remaining for lot in lots))
    book = Book(MERCHANT, account, Journal(), lots={lot.lot_id: lot for lot in lots})
    return spend(book, Header(key="test", at=NOW), points=points).moves
