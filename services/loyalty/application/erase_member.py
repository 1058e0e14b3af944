"""A person asked to be forgotten: amounts stay under an id that names nobody, words about them go."""

from datetime import datetime
from uuid import UUID

from services.loyalty.application.workspace import Member, Workspace


def erase_member(workspace: Workspace, merchant_no: int, *, customer_id: UUID, at: datetime) -> None:
    """What people wrote about the customer is gone, now and later.

    An absorbed customer stands for its survivor: they are one person, so all accounts that ended in the survivor's
    are forgotten with it, whichever of their ids the fact names. Of a customer never heard of a tombstone stands.
    """
    named = workspace.members[workspace.accounts[merchant_no, customer_id]]
    forget(workspace, named, at)  # it bears the erasure too: a newer merge may take it elsewhere
    forget(workspace, workspace.member(merchant_no, customer_id), at)


def forget(workspace: Workspace, member: Member, at: datetime) -> None:
    """The member's account bears the erasure, and its words go when the workspace is stored."""
    member.account.forget(at)
    member.book.touched = True
    workspace.forgotten.add((member.account.merchant_no, member.account.account_id))
