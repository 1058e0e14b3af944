"""Who a customer id stands for after merges: alias rows followed to their end.

An alias is an arrow from an absorbed customer to its survivor, and carries the identity version that drew it.
"""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from services.segmentation.domain.profile import Customer


def resolved(customer_id: UUID, customers: Mapping[UUID, Customer]) -> UUID:
    """The customer at the end of the arrows; an id that nobody absorbed stands for itself.

    A ring of arrows ends where it would close, so that reading always ends; `merge` never draws one.
    """
    seen = {customer_id}
    while (customer := customers.get(customer_id)) is not None and customer.merged_into is not None:
        if customer.merged_into in seen:
            return customer_id
        customer_id = customer.merged_into
        seen.add(customer_id)
    return customer_id


def merge(absorbed_id: UUID, into_id: UUID, version: int, customers: Mapping[UUID, Customer]) -> dict[UUID, Customer]:
    """The customers whose arrows change so that `absorbed_id` points at `into_id`; empty when nothing changes.

    The newer identity version wins: over an older arrow from the same customer, and over the oldest arrow of a
    ring that the new one would close.
    """
    absorbed = customers[absorbed_id]
    if absorbed_id == into_id or absorbed.merged_version >= version:
        return {}
    changed = {absorbed_id: replace(absorbed, merged_into=into_id, merged_version=version)}
    ring = path(into_id, {**customers, **changed})
    if absorbed_id not in ring:
        return changed
    oldest = min(ring[: ring.index(absorbed_id)], key=lambda each: customers[each].merged_version)
    if customers[oldest].merged_version >= version:
        return {}
    return {**changed, oldest: replace(customers[oldest], merged_into=None)}


def unmerge(restored_id: UUID, version: int, customers: Mapping[UUID, Customer]) -> dict[UUID, Customer]:
    """The customer without an arrow, if none is newer than `version`; empty when nothing changes."""
    restored = customers[restored_id]
    if restored.merged_version >= version:
        return {}
    return {restored_id: replace(restored, merged_into=None, merged_version=version)}


def path(start: UUID, customers: Mapping[UUID, Customer]) -> list[UUID]:
    """The ids that the arrows pass from `start`, each once."""
    path = [start]
    while (customer := customers.get(path[-1])) is not None and customer.merged_into is not None:
        if customer.merged_into in path:
            break
        path.append(customer.merged_into)
    return path
