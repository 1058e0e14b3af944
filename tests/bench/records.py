"""Events as their source's relay would hand them over: numbered in their lanes, chained, with headers as text."""

from collections.abc import Iterable, Sequence
from typing import Any

from libs.contracts.envelope import Event, Position, record_key
from libs.eventbus.lanes import CHAIN_START, chain_next, lane_of
from libs.eventbus.outbox import headers_text
from libs.eventbus.port import Outgoing
from tests.services.loyalty.facts import Facts

_CUSTOMERS = 2_000


def numbered(events: Iterable[Event[Any]], *, source: str, topic: str) -> list[Outgoing]:
    """Each event as a record, in the order given."""
    heads: dict[int, tuple[int, bytes]] = {}
    records = []
    for event in events:
        envelope = event.envelope
        key = record_key(envelope.merchant_id, envelope.subject)
        lane = lane_of(key)
        sequence, chain = heads.get(lane, (0, CHAIN_START))
        heads[lane] = sequence, chain = sequence + 1, chain_next(chain, envelope.id)
        position = Position(source, topic, lane, sequence, chain)
        records.append(Outgoing(topic, lane, key, headers_text(envelope, position), event.fact.to_bytes()))
    return records


def refunds_told(count: int) -> list[Event[Any]]:
    """So many refunds of two thousand customers: facts of about 600 bytes, an order's being twice as long."""
    tell = Facts()
    return [tell.refunded(f"c{number % _CUSTOMERS}", f"o{number}", 500) for number in range(count)]


def redelivered(records: Sequence[Outgoing], *, every: int, behind: int) -> list[Outgoing]:
    """The records, and behind every so many of them one that came `behind` records ago once more."""
    found: list[Outgoing] = []
    for number, record in enumerate(records):
        found.append(record)
        if number % every == every - 1:
            found.append(records[max(0, number - behind)])
    return found
