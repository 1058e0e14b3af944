"""`/v1/segments`: segments and their members."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Security
from starlette.responses import Response

from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, page_of
from libs.servicekit.problems import not_found
from libs.servicekit.table import prefers_csv
from services.segmentation.entrypoints.asking import AsOf, TheReads, page_as_csv
from services.segmentation.entrypoints.examples import MEMBERS, SEGMENT, SEGMENT_ID, SEGMENTS, answer, table_answer
from services.segmentation.entrypoints.schemas import (
    MemberOut,
    SegmentOut,
    SegmentsOut,
    member_out,
    segment_out,
)

router = APIRouter(prefix="/v1/segments", tags=["segments"])

Reader = Annotated[Principal, Security(authenticated, scopes=["segments:read"])]
SegmentId = Annotated[UUID, Path(examples=[SEGMENT_ID])]


@router.get("", summary="All segments", responses=answer(SEGMENTS))
async def list_segments(principal: Reader, reads: TheReads, as_of: AsOf) -> SegmentsOut:
    """By name, with the number of members now or at `as_of`."""
    rows = await reads.segments.every(principal.merchant, as_of.given)
    return SegmentsOut(items=[segment_out(row) for row in rows])


@router.get("/{segment_id}", summary="One segment", responses=answer(SEGMENT))
async def show_segment(segment_id: SegmentId, principal: Reader, reads: TheReads, as_of: AsOf) -> SegmentOut:
    """Its rule, and the number of members now or at `as_of`."""
    row = await reads.segments.one(principal.merchant, segment_id, as_of.given)
    if row is None:
        raise not_found("segment")
    return segment_out(row)


@router.get(
    "/{segment_id}/members",
    summary="Who is in a segment",
    response_model=Page[MemberOut],
    responses=table_answer(MEMBERS),
)
async def list_members(
    request: Request,
    segment_id: SegmentId,
    principal: Reader,
    reads: TheReads,
    as_of: AsOf,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MemberOut] | Response:
    """By customer id: who is in it now, or was at `as_of`; each with the fact that let it in.

    A stay begins and ends when the facts happened that decided it; history told late does not move stays of the past.
    """
    position = decode_cursor(cursor, id=UUID)
    after = None if position is None else position["id"]
    rows = await reads.segments.members(principal.merchant, segment_id, as_of.given, after=after, limit=limit + 1)
    if rows is None:
        raise not_found("segment")
    page = page_of(rows, limit=limit, shown=member_out, position=lambda member: {"id": member.customer_id})
    if not prefers_csv(request):
        return page
    columns = ("customer_id", "entered_at", "cause_fact_id", "segment_version", "left_at")
    table = [(m.customer_id, m.entered_at, m.cause_fact_id, m.segment_version, m.left_at) for m in page.items]
    return page_as_csv(request, columns, table, name="segment_members", next_cursor=page.next_cursor)
