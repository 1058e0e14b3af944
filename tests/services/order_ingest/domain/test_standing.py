"""Notices that a shop has left: in any order and number they end alike."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from services.order_ingest.domain.standing import Standing

_PUT = datetime(2026, 5, 2, 12, tzinfo=UTC)
_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("hours", "ended"), [((-2, -1, 0), None), ((-1, 1, 2, 2), 1), ((3, 1, -1), 1), ((2,), 2), ((), None)]
)
def test_of_the_notices_after_the_access_was_put_the_earliest_holds_in_any_order(
    hours: tuple[int, ...], ended: int | None
) -> None:
    for order in permutations(hours):
        standing = Standing(connected_at=_PUT)
        for hour in order:
            standing = standing.left(_PUT + hour * _HOUR)

        assert standing.disconnected_at == (None if ended is None else _PUT + ended * _HOUR)
        assert standing.connected_at == _PUT


def test_where_access_was_never_put_every_notice_counts() -> None:
    assert Standing().left(_PUT) == Standing(disconnected_at=_PUT)
