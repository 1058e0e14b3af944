"""The rate in an order: pinned once, told with every state of it for ever after, whatever comes in which order."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from libs.contracts.commerce import Fx, OrderChangedV1, OrderPlacedV1
from services.order_ingest.application.workspace import Placing
from services.order_ingest.domain.fx import Pinned
from tests.services.order_ingest import bodies
from tests.services.order_ingest.desk import Desk, Sent, storefront

_PLACED = datetime(2026, 5, 2, 10, 15, tzinfo=UTC)
_STORE = storefront(merchant_currency="EUR")
_RATE = Pinned(to="EUR", rate=Decimal("0.9228"), source="ecb", at=datetime(2026, 5, 1, 22, tzinfo=UTC))
_OTHER = Pinned(to="EUR", rate=Decimal("0.95"), source="ecb", at=datetime(2026, 5, 1, 23, tzinfo=UTC))
_YEN = Pinned(to="EUR", rate=Decimal("0.00581"), source="boj", at=datetime(2026, 5, 1, tzinfo=UTC))


def _placing(currency: str = "USD") -> Placing:
    return Placing(1, currency, "EUR", _PLACED)


def _desk(rates: dict[Placing, Pinned] | None = None) -> Desk:
    desk = Desk()
    desk.workspace.rates = {_placing(): _RATE} if rates is None else rates
    return desk


def _order(topic: str = "orders/updated", *, store: Any = _STORE, **changes: Any) -> Sent:
    body = bodies.order(created_at="2026-05-02T06:15:00-04:00", processed_at="2026-05-02T06:15:00-04:00", **changes)
    return Sent(topic, body, store=store)


def _told(desk: Desk) -> list[Fx | None]:
    return [fact.fx for fact in desk.facts if isinstance(fact, OrderPlacedV1 | OrderChangedV1)]


_CREATE = _order("orders/create", financial_status="pending")
_PAID = _order("orders/paid", updated_at="2026-05-02T10:16:00Z", name="#1001-A")
_EDITED = _order(updated_at="2026-05-03T10:00:00Z", name="#1001-B")
_REFUND = Sent("refunds/create", bodies.refund(), store=_STORE)
_FX = Fx(to="EUR", rate=Decimal("0.9228"), source="ecb", at=datetime(2026, 5, 1, 22, tzinfo=UTC))


@pytest.mark.parametrize("sent", list(permutations([_CREATE, _PAID, _EDITED, _REFUND])))
def test_the_rate_is_told_alike_in_any_order_of_hooks(sent: tuple[Sent, ...]) -> None:
    desk = _desk()

    desk.apply(*sent, *sent)

    assert set(_told(desk)) == {_FX}
    assert desk.final() == _final(_CREATE, _PAID, _EDITED, _REFUND)


def _final(*sent: Sent) -> Any:
    desk = _desk()
    desk.apply(*sent)
    return desk.final()


def test_a_rate_that_is_corrected_later_leaves_the_order_alone() -> None:
    desk = _desk()

    desk.apply(_CREATE)
    desk.workspace.rates = {_placing(): _OTHER}
    desk.apply(_PAID, _EDITED)

    assert _told(desk) == [_FX] * 3


def test_an_order_told_without_a_rate_stays_without_one() -> None:
    desk = _desk({})

    desk.apply(_CREATE)
    desk.workspace.rates = {_placing(): _RATE}
    desk.apply(_EDITED)

    assert _told(desk) == [None, None]


def test_a_shell_has_no_currency_yet_and_takes_its_rate_with_its_content() -> None:
    desk = _desk({})

    desk.apply(_REFUND)
    desk.workspace.rates = {_placing(): _RATE}
    desk.apply(_EDITED)

    assert _told(desk) == [_FX]


def test_an_order_in_the_merchants_own_currency_has_no_rate() -> None:
    home = storefront(merchant_currency="USD")
    desk = _desk({Placing(1, "USD", "USD", _PLACED): _RATE, _placing(): _RATE})

    desk.apply(_order("orders/create", store=home))

    assert _told(desk) == [None]


@pytest.mark.parametrize(
    "sent", list(permutations([_CREATE, _order(currency="JPY", updated_at="2026-05-09T10:00:00Z")]))
)
def test_the_rate_is_that_of_the_currency_in_which_the_order_is_told(sent: tuple[Sent, ...]) -> None:
    desk = _desk({_placing(): _RATE, _placing("JPY"): _YEN})

    desk.apply(*sent)

    [last] = {fact.fx for fact in desk.facts[-1:] if isinstance(fact, OrderPlacedV1 | OrderChangedV1)} or {None}
    [order] = desk.workspace.orders.values()
    assert (order.currency, order.fx) == ("JPY", _YEN)
    assert [fx.rate for fx in _told(desk) if fx][-1] == _YEN.rate
    assert last is None or last.rate == _YEN.rate


def test_money_that_turns_into_the_merchants_own_currency_loses_its_rate() -> None:
    desk = _desk()

    desk.apply(_CREATE, _order(currency="EUR", updated_at="2026-05-09T10:00:00Z"))

    assert _told(desk) == [_FX, None]
