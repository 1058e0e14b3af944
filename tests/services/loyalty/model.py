"""What the ledger must come to, told as plainly as possible: lists of lots, no entries, no accounts, no keys."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class ModelLot:
    order: str | None
    usable_from: datetime
    dies_at: datetime | None
    free: int
    age: int
    held: dict[str, int] = field(default_factory=dict)

    def alive(self, at: datetime) -> bool:
        return self.dies_at is None or self.dies_at > at


@dataclass
class ModelMember:
    lots: list[ModelLot] = field(default_factory=list)
    debt: int = 0


@dataclass
class ModelOrder:
    customer: str
    eligible: int
    refunded: int = 0
    paid: bool = False
    void: bool = False
    worth: int = 0
    usable_from: datetime | None = None


@dataclass
class Model:
    policy: str
    max_debt: int
    life: timedelta | None
    now: datetime
    members: dict[str, ModelMember]
    alias: dict[str, str] = field(default_factory=dict)
    orders: dict[str, ModelOrder] = field(default_factory=dict)
    holds: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    ages: int = 0
    absorbed: int = 0

    def who(self, name: str) -> str:
        while name in self.alias:
            name = self.alias[name]
        return name

    def member(self, name: str) -> ModelMember:
        return self.members[self.who(name)]

    def settle(self, name: str) -> None:
        """Holds that ended and lots that died up to now, in the order in which it happened."""
        member = self.member(name)
        for hold, (owner, end) in sorted(self.holds.items(), key=lambda each: each[1][1]):
            if self.who(owner) == self.who(name) and end <= self.now:
                self.release(hold, end)
        for lot in member.lots:
            if not lot.alive(self.now):
                lot.free = 0

    def settle_all(self) -> None:
        for name in self.members:
            self.settle(name)

    def grant(self, name: str, points: int, usable_from: datetime, dies_at: datetime | None, order: str | None) -> None:
        self.ages += 1
        self.member(name).lots.append(ModelLot(order, usable_from, dies_at, points, self.ages))
        self.pay_debt(name, self.now)

    def in_order(self, name: str, at: datetime) -> list[ModelLot]:
        lots = [lot for lot in self.member(name).lots if lot.alive(at)]
        return sorted(lots, key=lambda lot: (lot.dies_at is None, lot.dies_at, lot.age))

    def take(self, lots: list[ModelLot], points: int) -> list[tuple[ModelLot, int]]:
        parts = []
        for lot in lots:
            part = min(points, lot.free)
            if part:
                lot.free -= part
                points -= part
                parts.append((lot, part))
        return parts

    def pay_debt(self, name: str, at: datetime) -> None:
        member = self.member(name)
        member.debt -= sum(part for _, part in self.take(self.in_order(name, at), member.debt))

    def claw_back(self, name: str, points: int, order: str) -> None:
        lots = sorted(self.in_order(name, self.now), key=lambda lot: lot.order != order)
        missing = points - sum(part for _, part in self.take(lots, points))
        member = self.member(name)
        owed = 0 if self.policy == "absorb" else min(missing, self.max_debt - member.debt)
        member.debt += owed
        self.absorbed += missing - owed

    def usable(self, name: str) -> int:
        return sum(lot.free for lot in self.member(name).lots if lot.usable_from <= self.now and lot.alive(self.now))

    def pending(self, name: str) -> int:
        return sum(lot.free for lot in self.member(name).lots if lot.usable_from > self.now and lot.alive(self.now))

    def held(self, name: str) -> int:
        return sum(sum(lot.held.values()) for lot in self.member(name).lots)

    def may_spend(self, name: str, points: int) -> bool:
        self.settle(name)
        blocked = self.policy == "block" and self.member(name).debt > 0
        return not blocked and self.usable(name) >= points

    def spend(self, name: str, points: int) -> list[tuple[ModelLot, int]]:
        return self.take([lot for lot in self.in_order(name, self.now) if lot.usable_from <= self.now], points)

    def hold(self, name: str, hold: str, points: int, end: datetime) -> None:
        for lot, part in self.spend(name, points):
            lot.held[hold] = part
        self.holds[hold] = (self.who(name), end)

    def release(self, hold: str, at: datetime) -> None:
        name, _ = self.holds.pop(hold)
        for lot in self.member(name).lots:
            part = lot.held.pop(hold, 0)
            lot.free += part if lot.alive(at) else 0
        self.pay_debt(name, at)

    def capture(self, hold: str, points: int) -> None:
        name, _ = self.holds[hold]
        for lot in sorted(self.member(name).lots, key=lambda lot: (lot.dies_at is None, lot.dies_at, lot.age)):
            part = min(points, lot.held.get(hold, 0))
            if part:
                lot.held[hold] -= part
                points -= part
        self.release(hold, self.now)

    def converge(self, order: str) -> None:
        """The order's points are what it is worth now."""
        known = self.orders[order]
        self.settle(known.customer)
        refunded = min(known.refunded, known.eligible)
        worth = known.eligible - refunded if known.paid and not known.void else 0
        change, known.worth = worth - known.worth, worth
        if change > 0:
            start = max(known.usable_from or self.now, self.now)
            dies_at = start + self.life if self.life else None
            self.grant(known.customer, change, known.usable_from or self.now, dies_at, order)
        elif change < 0:
            self.claw_back(known.customer, -change, order)

    def merge(self, absorbed: str, survivor: str) -> None:
        self.settle(absorbed)
        self.settle(survivor)
        source, target = self.member(absorbed), self.member(survivor)
        moving = sorted(source.lots, key=lambda lot: (lot.dies_at is None, lot.dies_at, lot.age))
        for lot in moving:
            if lot.free or lot.held:
                self.ages += 1
                lot.age = self.ages
                target.lots.append(lot)
        for hold, (owner, end) in self.holds.items():
            if owner == absorbed:
                self.holds[hold] = (survivor, end)
        room = self.max_debt - target.debt
        target.debt += min(source.debt, room)
        self.absorbed += max(0, source.debt - room)
        self.alias[absorbed] = survivor
        self.members[absorbed] = ModelMember()
        self.pay_debt(survivor, self.now)

    def give_back(self, name: str, parts: list[tuple[ModelLot, int]]) -> None:
        """Last taken, first back, each part with the life that it had."""
        self.settle(name)
        for lot, points in reversed(parts):
            self.ages += 1
            self.member(name).lots.append(ModelLot(lot.order, lot.usable_from, lot.dies_at, points, self.ages))
        self.pay_debt(name, self.now)
        self.settle(name)

    def unmerge(self, restored: str) -> None:
        """What is left of its orders' points is the restored customer's again; what was spent stays spent.

        Its orders are also those of customers who had been merged into it before.
        """
        survivor = self.who(restored)
        self.settle(survivor)
        del self.alias[restored]
        for lot in self.in_order(survivor, self.now):
            if lot.order in self.orders_of(restored) and lot.free:
                self.ages += 1
                moved = ModelLot(lot.order, lot.usable_from, lot.dies_at, lot.free, self.ages)
                self.members[restored].lots.append(moved)
                lot.free = 0

    def orders_of(self, name: str) -> list[str]:
        """The orders of the customer and of all who are aliases of it."""
        return [order for order, known in self.orders.items() if self.who(known.customer) == name]
