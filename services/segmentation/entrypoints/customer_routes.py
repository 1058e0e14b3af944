"""`/v1/customers/{id}`: profile and timeline."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Security

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, instant, page_of
from libs.servicekit.problems import not_found
from services.segmentation.entrypoints.asking import TheReads
from services.segmentation.entrypoints.examples import CUSTOMER_ID, PROFILE, TIMELINE, answer
from services.segmentation.entrypoints.schemas import EntryOut, ProfileOut, entry_out, profile_out

router = APIRouter(prefix="/v1/customers", tags=["customers"])

Reader = Annotated[Principal, Security(authenticated, scopes=["customers:read"])]
CustomerId = Annotated[UUID, Path(description="An absorbed customer's id shows its survivor.", examples=[CUSTOMER_ID])]


@router.get("/{customer_id}/profile", summary="Counters of one customer", responses=answer(PROFILE))
async def show_profile(customer_id: CustomerId, principal: Reader, reads: TheReads) -> ProfileOut:
    """What the customer bought, how often, for how much, and the segments that it is in."""
    profile = await reads.profiles.profile(principal.merchant, customer_id)
    if profile is None:
        raise not_found("customer")
    return profile_out(profile)


@router.get("/{customer_id}/timeline", summary="All that happened to one customer", responses=answer(TIMELINE))
async def show_timeline(
    customer_id: CustomerId, principal: Reader, reads: TheReads, limit: Limit = 50, cursor: Cursor = None
) -> Page[EntryOut]:
    """Newest first, ties by entry id: orders, refunds, points, tiers, messages, segments, whatever service told it."""
    position = decode_cursor(cursor, at=instant, id=UUID)
    before = None if position is None else (position["at"], position["id"])
    entries = await reads.profiles.timeline(principal.merchant, customer_id, before=before, limit=limit + 1)
    if entries is None:
        raise not_found("customer")
    return page_of(entries, limit=limit, shown=entry_out, position=lambda entry: {"at": entry.at, "id": entry.entry_id})
