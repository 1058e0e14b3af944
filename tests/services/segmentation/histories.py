"""Random histories of a small shop, rich in ties and in instants that lie exactly on a boundary."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from libs.contracts.envelope import Event
from tests.services.segmentation.facts import Teller, at, fx

TICK = timedelta(microseconds=1)
DAYS = (0, 0, 0.5, 45, 89, 90, 90, 91, 120, 179, 180, 180, 181, 200, 270, 300)
LATER = (0, 1, 30, 90, 180)
CUSTOMERS = ("a", "b", "c", "d", "guest 1", "guest 2")
CURRENCIES = (("USD", None), ("USD", None), ("USD", None), ("EUR", fx("USD", "1.105")), ("EUR", None))


@st.composite
def order(draw: st.DrawFn) -> dict[str, Any]:
    """One order's story as plain words."""
    currency, rate = draw(st.sampled_from(CURRENCIES))
    ticks = draw(st.sampled_from((-1, 0, 0, 0, 1)))
    return {
        "customer": draw(st.sampled_from(CUSTOMERS)),
        "placed_at": at(draw(st.sampled_from(DAYS))) + ticks * TICK,
        "prices": draw(st.lists(st.sampled_from((0, 500, 1000, 1000, 2505)), min_size=1, max_size=3)),
        "gift_cards": draw(st.sampled_from(((), (), (5000,)))),
        "discount_minor": draw(st.sampled_from((0, 0, 100))),
        "currency": currency,
        "fx": rate,
        "cancelled": draw(st.sampled_from((None, None, None, *LATER))),
        "cancelled_again": draw(st.booleans()),
        "deleted": draw(st.sampled_from((False, False, False, False, True))),
        "refund": draw(st.sampled_from((None, None, "part", "full", "twice"))),
        "refund_after": draw(st.sampled_from(LATER)),
        "moves_to": draw(st.sampled_from((None, None, None, *CUSTOMERS))),
        "edited_prices": draw(st.sampled_from((None, None, (700,), (700, 800, 900)))),
    }


histories = st.lists(order(), max_size=14)


def told(tell: Teller, stories: list[dict[str, Any]]) -> list[Event[Any]]:
    """The facts of the stories, in the order in which they happened to each order."""
    events = [tell.customer(name, anonymous=name.startswith("guest")) for name in CUSTOMERS]
    for number, story in enumerate(stories):
        events.extend(order_facts(tell, number, story))
    return events


def order_facts(tell: Teller, number: object, story: dict[str, Any]) -> list[Event[Any]]:
    """The facts of one order."""
    customer, placed_at = story["customer"], story["placed_at"]
    words = {name: story[name] for name in ("prices", "gift_cards", "discount_minor", "currency", "fx")}
    facts = [tell.placed(number, customer, placed_at, **words), tell.paid(number, customer, placed_at)]
    if story["edited_prices"] is not None or story["moves_to"] is not None:
        customer = story["moves_to"] or customer
        words["prices"] = story["edited_prices"] or words["prices"]
        facts.append(tell.changed(number, customer, placed_at, 2, **words))
    when = placed_at + timedelta(days=story["refund_after"])
    tell_in = Teller(tell.merchant_id, story["currency"], tell.numbers)
    if story["refund"] == "part":
        facts.append(tell_in.refunded(number, customer, when, [100], shipping=7))
    elif story["refund"] == "full":
        facts.append(tell_in.refunded(number, customer, when, list(words["prices"]), full=True))
    elif story["refund"] == "twice":
        facts.append(tell_in.refunded(number, customer, when, [33], number=1))
        facts.append(tell_in.refunded(number, customer, when + timedelta(days=90), [1, 1], number=2, full=True))
    if story["cancelled"] is not None:
        facts.append(tell.cancelled(number, customer, placed_at + timedelta(days=story["cancelled"])))
        if story["cancelled_again"]:
            facts.append(tell.cancelled(number, customer, placed_at + timedelta(days=story["cancelled"] + 7)))
    if story["deleted"]:
        facts.append(tell.deleted(number, customer, placed_at + timedelta(days=3)))
    return facts
