"""RFM groups: who the shop's customers are, by recency, frequency and money."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.segmentation.application.ports import Cell, Rfm
from services.segmentation.domain.rfm import GROUPS, Group, group_of, value_score


@dataclass(frozen=True, slots=True)
class GroupTotal:
    """One group's customers added up."""

    group: Group
    customers: int
    orders: int
    spend_minor: int


def groups_of(rfm: Rfm) -> Sequence[GroupTotal]:
    """Every group in its fixed order, empty ones too."""
    return [_total(group, [cell for cell in rfm.cells if _group(cell) is group]) for group in GROUPS]


def _group(cell: Cell) -> Group:
    return group_of(cell.recency, value_score(cell.frequency, cell.monetary))


def _total(group: Group, cells: Sequence[Cell]) -> GroupTotal:
    return GroupTotal(
        group=group,
        customers=sum(cell.customers for cell in cells),
        orders=sum(cell.orders for cell in cells),
        spend_minor=sum(cell.spend_minor for cell in cells),
    )
