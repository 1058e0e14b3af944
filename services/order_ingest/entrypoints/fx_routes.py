"""`/v1/fx_rates`: the exchange rates that are pinned in orders of other currencies than the merchant's."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response, Security

from libs.servicekit import audit
from libs.servicekit.auth import Principal, authenticated
from libs.servicekit.idempotency import Answer, Once, required_key
from libs.servicekit.instants import Instant
from libs.servicekit.pagination import Cursor, Limit, Page, decode_cursor, instant, page_of
from libs.servicekit.problems import Flaw, invalid
from libs.servicekit.unit_of_work import UnitOfWork
from services.order_ingest.application.feed_rates import FedTwice, feed_rates
from services.order_ingest.entrypoints.fx_schemas import Code, FedOut, NewRates, RateOut
from services.order_ingest.entrypoints.ports import Ports
from services.order_ingest.entrypoints.shared import TheKit, ThePorts

PATH: Final = "/v1/fx_rates"
router = APIRouter(prefix=PATH, tags=["fx_rates"])
Reader = Annotated[Principal, Security(authenticated, scopes=["fx_rates:read"])]
Writer = Annotated[Principal, Security(authenticated, scopes=["fx_rates:write"])]
_LARGEST_NO: Final = 2**63 - 1


@router.post("", status_code=201, summary="Feed exchange rates", response_model=FedOut)
async def create_rates(
    new: NewRates, principal: Writer, kit: TheKit, ports: ThePorts, once: Annotated[Once, Depends(required_key)]
) -> Response:
    """An order in another currency than the merchant's takes, when it is first told, the rate with the latest
    `valid_from` that is not after `placed_at`, and keeps it. Feed a month before importing it: an order that was told
    without a rate stays without one.

    Rates are added, never changed. To correct one, feed the pair with the same `valid_from` again: the one fed last
    holds for orders that come from then on; orders that were told before keep what they have. Only rates into the
    merchant's own currency are used, and none is turned round.
    """
    now = kit.clock.now()
    async with kit.database.begin(principal.merchant) as uow:

        async def run() -> Answer:
            added = await _fed(new, ports, uow, now)
            await _audit(new, principal, uow, now)
            return Answer(201, FedOut(given=len(new.rates), added=added), {"Location": PATH})

        return await once.run(uow, principal, run, now=now)


async def _fed(new: NewRates, ports: Ports, uow: UnitOfWork, now: datetime) -> int:
    known = ports.fx_rates(uow)
    zone = await known.time_zone()
    try:
        return await feed_rates(known, [rate.fed(zone) for rate in new.rates], now)
    except FedTwice as error:
        flaw = Flaw(pointer=f"/rates/{error.place}", detail="is of the same currencies and instant as one before it")
        raise invalid("See errors.", [flaw]) from error


async def _audit(new: NewRates, principal: Principal, uow: UnitOfWork, now: datetime) -> None:
    await audit.record(
        uow.connection,
        merchant_no=uow.merchant_no,
        actor=principal.subject,
        action="fx_rates.feed",
        target=PATH,
        now=now,
        after=new.model_dump(mode="json", by_alias=True),
    )


@router.get("", summary="List exchange rates, the latest valid_from first")
async def list_rates(
    principal: Reader,
    kit: TheKit,
    ports: ThePorts,
    from_currency: Annotated[Code | None, Query(alias="from")] = None,
    to_currency: Annotated[Code | None, Query(alias="to")] = None,
    valid_until: Annotated[
        Instant | None, Query(description="With a `valid_from` not after this: the first that holds is the order's.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RateOut]:
    """With what was corrected: `holds` is false for it. Of one `valid_from` what was fed last comes first."""
    filters = {"from_currency": from_currency, "to_currency": to_currency, "valid_until": valid_until}
    async with kit.database.read(principal.merchant) as uow:
        rows = await ports.fx_rates(uow).page(filters, _after(cursor), limit + 1)
    return page_of(
        rows, limit=limit, shown=RateOut.of, position=lambda row: {"at": row["valid_from"], "no": row["fed_no"]}
    )


def _after(cursor: str | None) -> tuple[datetime, int] | None:
    place = decode_cursor(cursor, at=instant, no=_number)
    return (place["at"], place["no"]) if place else None


def _number(text: str) -> int:
    found = int(text)
    if not 0 <= found <= _LARGEST_NO:
        raise ValueError("no number of a rate")
    return found
