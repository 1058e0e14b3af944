"""`/v1/customers/{customer_id}/unmerges`: a merge that was wrong is undone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, Security
from pydantic import BaseModel, ConfigDict, Field

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, required_key
from libs.servicekit.problems import conflict, not_found
from services.order_ingest.application.merge_record import Merge
from services.order_ingest.entrypoints.ports import Screens, Unmerging
from services.order_ingest.entrypoints.shared import ID, INSTANT, TheKit, ThePorts

router = APIRouter(prefix="/v1", tags=["customers"])
Writer = Annotated[Principal, Security(authenticated, scopes=["customers:write"])]


class UnmergeOut(BaseModel):
    """A merge that will be undone within seconds: `customer.unmerged` tells when it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "merge_id": ID,
                    "restored_customer_id": ID,
                    "survivor_customer_id": ID,
                    "identity_version": 2,
                    "asked_at": INSTANT,
                }
            ]
        }
    )

    merge_id: UUID = Field(description="As `customer.merged` told it.")
    restored_customer_id: UUID
    survivor_customer_id: UUID = Field(description="Into whom the customer was merged.")
    identity_version: int = Field(description="The merge's.")
    asked_at: datetime


@router.post(
    "/customers/{customer_id}/unmerges",
    status_code=202,
    summary="Undo the merge that ended a customer's life",
    response_model=UnmergeOut,
)
async def create_unmerge(
    customer_id: UUID, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(required_key)]
) -> Response:
    """The id is the absorbed customer's (`absorbed` of the survivor's `/identities`).

    They get back the names, words and orders that were always theirs. What made the two one makes them one no more:
    only a merge that the platform tells later does. 409 if the customer was not merged, or was forgotten since.
    """
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            merge = await _found(ports.unmerges(uow), ports.screens(uow), customer_id)
            await ports.unmerges(uow).ask(merge, now)
            await audit.record(
                uow.connection,
                merchant_no=uow.merchant_no,
                actor=principal.subject,
                action="customer.unmerge",
                target=str(customer_id),
                now=now,
            )
            return Answer(202, _shown(merge, now))

        return await once.run(uow, principal, run, now=now)


async def _found(unmerges: Unmerging, screens: Screens, customer_id: UUID) -> Merge:
    merge, living = await unmerges.find(customer_id), await screens.customer(customer_id)
    if merge is None or living is None:
        raise not_found("customer")
    if merge.into is None:
        raise conflict("not-merged", f"Customer {customer_id} was merged into nobody, or lives again already.")
    if living["erased_at"] is not None:
        raise conflict("customer-erased", f"Customer {customer_id} was forgotten: nothing is left to be given back.")
    return merge


def _shown(merge: Merge, now: datetime) -> UnmergeOut:
    return UnmergeOut.model_validate(
        {
            "merge_id": merge.merge_id,
            "restored_customer_id": merge.customer_id,
            "survivor_customer_id": merge.into,
            "identity_version": merge.identity_version,
            "asked_at": now,
        }
    )
