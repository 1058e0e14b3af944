"""The checker: compares the shop's own books with what stands in the services' databases in the end."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from libs.eventbus.lanes import EPOCH_BITS
from libs.kernel.identifiers import derived_id
from tests.chaos.arena import Arena
from tests.chaos.shop import Order


@dataclass(slots=True)
class Verdict:
    """What the comparison found. Everything but the counts of what was compared must be zero."""

    orders: int = 0
    entries: int = 0
    facts: int = 0
    messages: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    order_breaks: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @property
    def complaints(self) -> list[str]:
        """What is wrong, the first few of each kind."""
        kinds = {
            "lost": self.lost,
            "twice": self.duplicated,
            "order": self.order_breaks,
            "violation": self.violations,
        }
        return [f"{kind}: {one}" for kind, found in kinds.items() for one in found[:5]]


async def check(arena: Arena, orders: Mapping[str, Order]) -> Verdict:
    """Every order counted once, nothing more, in its customer's order; ledger and bus without a violation."""
    verdict = Verdict(orders=len(orders))
    await _check_ledger(arena, orders, verdict)
    await _check_profiles(arena, orders, verdict)
    await _check_order(arena, verdict)
    await _check_messages(arena, verdict)
    await _check_marks(arena, verdict)
    await _check_parked(arena, verdict)
    proof = await arena.apis["loyalty"].get("/v1/ledger/proof")
    verdict.violations += [
        f"{each['invariant']}: {each['violations']}" for each in proof["findings"] if each["violations"]
    ]
    return verdict


async def _check_ledger(arena: Arena, orders: Mapping[str, Order], verdict: Verdict) -> None:
    async with arena.admin("loyalty") as connection:
        rows = await connection.fetch("SELECT order_id, kind, points FROM txn WHERE order_id IS NOT NULL")
    found: dict[UUID, list[tuple[str, int]]] = defaultdict(list)
    for row in rows:
        found[row["order_id"]].append((row["kind"], row["points"]))
    verdict.entries = len(rows)
    for order in orders.values():
        entries = found.pop(derived_id(arena.store_id, "order", order.order_id), [])
        _compare(order, entries, verdict)
    verdict.duplicated += [f"entries of an order that never was: {order_id}" for order_id in found]


def _compare(order: Order, entries: Iterable[tuple[str, int]], verdict: Verdict) -> None:
    kinds = [kind for kind, _ in entries]
    points = sum(points for _, points in entries)
    if kinds.count("earn") > 1 or kinds.count("clawback") > 1 or points > order.points:
        verdict.duplicated.append(f"{order.order_id}: {list(entries)}, expected {order.points}")
    elif points < order.points:
        verdict.lost.append(f"{order.order_id}: {list(entries)}, expected {order.points}")


async def _check_profiles(arena: Arena, orders: Mapping[str, Order], verdict: Verdict) -> None:
    expected: dict[UUID, list[int]] = defaultdict(lambda: [0, 0])
    for order in orders.values():
        profile = expected[derived_id(arena.store_id, "customer", order.customer)]
        if order.cancelled_at is None:
            profile[0] += 1
            profile[1] += order.goods - order.refunded
    async with arena.admin("segmentation") as connection:
        rows = await connection.fetch("SELECT customer_id, orders, spend_minor FROM customer")
    found = {row["customer_id"]: [row["orders"], row["spend_minor"]] for row in rows}
    for customer_id, profile in expected.items():
        seen = found.get(customer_id, [0, 0])
        if seen < profile:
            verdict.lost.append(f"profile {customer_id}: {seen}, expected {profile}")
        elif seen > profile:
            verdict.duplicated.append(f"profile {customer_id}: {seen}, expected {profile}")


async def _check_order(arena: Arena, verdict: Verdict) -> None:
    """Each account's entries were written in the order in which their facts were told."""
    told = {**await places(arena), **arena.told_once}
    async with arena.admin("loyalty") as connection:
        entries = await connection.fetch("SELECT account_id, cause FROM txn WHERE cause IS NOT NULL ORDER BY txn_id")
    last: dict[int, tuple[int, int]] = {}
    for entry in entries:
        place = told.get(entry["cause"])
        if place is None:
            continue
        before = last.get(entry["account_id"])
        if before is not None and before[0] == place[0] and place[1] < before[1]:
            verdict.order_breaks.append(f"account {entry['account_id']}: {place} after {before}")
        last[entry["account_id"]] = place


async def places(arena: Arena) -> dict[UUID, tuple[int, int]]:
    """Lane and sequence of each fact about orders that order-ingest has in its outbox."""
    async with arena.admin("order_ingest") as connection:
        rows = await connection.fetch("SELECT event_id, lane, seq FROM outbox WHERE topic = 'commerce'")
    return {row["event_id"]: (row["lane"], row["seq"]) for row in rows}


async def _check_messages(arena: Arena, verdict: Verdict) -> None:
    """One intent per live entry of points, one outcome per intent, and as many mails as hand-offs."""
    async with arena.admin("loyalty") as connection:
        earned = {row["event_id"] for row in await connection.fetch(_EARNED)}
    async with arena.admin("messaging") as connection:
        intents = await connection.fetch("SELECT cause_fact_id, state FROM intent")
    causes = Counter(row["cause_fact_id"] for row in intents)
    verdict.lost += [f"no message was decided on for fact {cause}" for cause in earned - set(causes)]
    verdict.duplicated += [f"{count} intents for fact {cause}" for cause, count in causes.items() if count > 1]
    states = [row["state"] for row in intents]
    mails = len(list(arena.stack.folders.mail.rglob("*.eml")))
    verdict.messages = mails
    handed, unknown = states.count("handed_off"), states.count("unknown")
    if mails < handed:
        verdict.lost.append(f"{handed} mails handed off, {mails} arrived")
    if mails > handed + unknown:
        verdict.duplicated.append(f"{handed} mails handed off and {unknown} unknown, {mails} arrived")


async def _check_marks(arena: Arena, verdict: Verdict) -> None:
    """Every group stands exactly at the head of every lane that it follows."""
    heads: dict[tuple[str, int], int] = {}
    for service in arena.stack.urls:
        async with arena.admin(service) as connection:
            rows = await connection.fetch("SELECT topic, lane, next_seq - 1 AS head FROM outbox_lane")
            heads.update({(row["topic"], row["lane"]): row["head"] for row in rows})
    verdict.facts = sum(head & _WITHIN_EPOCH for head in heads.values())
    for service in arena.stack.urls:
        async with arena.admin(service) as connection:
            rows = await connection.fetch("SELECT consumer_group, topic, lane, last_seq FROM inbox_lane")
        verdict.lost += [_behind(row, heads) for row in rows if row["last_seq"] != heads[row["topic"], row["lane"]]]


async def _check_parked(arena: Arena, verdict: Verdict) -> None:
    """A fault of the machinery is never an event's fault: nothing may wait for a person in the end."""
    for service in arena.stack.urls:
        async with arena.admin(service) as connection:
            parked = await connection.fetchval("SELECT count(*) FROM parked_event WHERE status = 'parked'")
        if parked:
            verdict.violations.append(f"{parked} events are parked in {service}")


def _behind(row: Any, heads: Mapping[tuple[str, int], int]) -> str:  # asyncpg.Record
    place = (row["topic"], row["lane"])
    return f"{row['consumer_group']} stands at {row['last_seq']} of {heads[place]} in {place}"


_WITHIN_EPOCH = (1 << EPOCH_BITS) - 1
_EARNED = "SELECT event_id FROM outbox WHERE type = 'points.earned.v1'"
