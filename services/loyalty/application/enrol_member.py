"""A known customer is a member from the first time we hear of it."""

from datetime import datetime
from uuid import UUID

from libs.contracts.loyalty import MemberEnrolledV1
from services.loyalty.application.telling import Heard, say
from services.loyalty.application.workspace import Workspace


def enrol_member(workspace: Workspace, heard: Heard, *, customer_id: UUID, source: str, at: datetime) -> None:
    """The customer is a member; told once, and again by nobody."""
    member = workspace.member(heard.merchant.merchant_no, customer_id)
    programme = heard.merchant.programme
    if member.account.enrolled_at is not None:
        return
    member.account.enrolled_at = at
    member.book.touched = True
    if programme is None:
        return
    fact = MemberEnrolledV1(
        customer_id=member.account.customer_id,
        programme_id=programme.programme_id,
        programme_version=programme.governing(at).number,
        source=source,
        enrolled_at=at,
    )
    say(workspace, heard, fact, key=str(member.account.customer_id))
