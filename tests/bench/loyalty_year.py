"""A year of a shop as loyalty hears it: the same seed tells the same orders, refunds and cancellations."""

import random
from datetime import timedelta
from typing import Any

from libs.contracts.envelope import Event
from tests.services.loyalty.facts import DAY, START, Facts


def year_of_events(*, orders: int, customers: int, seed: int) -> list[Event[Any]]:
    """Placed and paid orders of many customers over a year; 3 % partly refunded, 1 % cancelled."""
    chance, facts = random.Random(seed), Facts(at=START - DAY)
    events = [facts.merchant()]
    known: set[str] = set()
    for number in range(orders):
        facts.at = START + timedelta(seconds=number * 364 * 86_400 / orders)
        customer, order = f"c{chance.randrange(customers)}", f"o{number}"
        if customer not in known:
            known.add(customer)
            events.append(facts.customer(customer))
        events += [facts.placed(customer, order, chance.randrange(500, 20_000), 1_999), facts.paid(customer, order)]
        fate = chance.random()
        if fate < 0.03:
            events.append(facts.refunded(customer, order, 500))
        elif fate < 0.04:
            events.append(facts.cancelled(customer, order))
    return events
