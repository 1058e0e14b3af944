"""The main job, step by step. Each step may be repeated: what is done already is found done."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from deploy.demo.api import Api, DemoFailed
from deploy.demo.calendar import LIVE_DAYS, TIME_ZONE, Calendar
from deploy.demo.deliveries import live_deliveries
from deploy.demo.draining import wait_until_drained
from deploy.demo.figures import programme
from deploy.demo.households import CURRENCY, Basket, first_recorded, read_baskets
from deploy.demo.plan import Plan, PlanFile
from deploy.demo.posting import Advance, history_file, post_deliveries

DOMAIN = "huitou-demo.myshopify.com"
Apis = Mapping[str, Api]


async def open_merchant(platform: Api, file: PlanFile, plan: Plan) -> Plan:
    """The merchant exists; the plan knows it."""
    if plan.merchant_id is not None:
        return plan
    wanted = {"name": "Corner Grocer (demo)", "currency": CURRENCY, "time_zone": TIME_ZONE}
    merchant = (await platform.post("/v1/merchants", wanted, key=f"demo-merchant-{plan.as_of}")).json()
    return file.keep(replace(plan, merchant_id=merchant["merchant_id"]))


async def connect_store(ingest: Api, file: PlanFile, plan: Plan) -> Plan:
    """The merchant's Shopify store exists and takes webhooks; the plan knows where."""
    if plan.store_id is not None:
        return plan
    wanted = {
        "platform": "shopify",
        "account": "huitou-demo",
        "domain": DOMAIN,
        "name": "Corner Grocer",
        "currency": CURRENCY,
        "time_zone": TIME_ZONE,
        "locale": "en-US",
        "return_window_days": 14,
        "secret": plan.shopify_secret,
    }
    store = (await ingest.post("/v1/stores", wanted, key=f"demo-store-{plan.as_of}")).json()
    return file.keep(replace(plan, store_id=store["store_id"], hook_path=urlsplit(store["hook_url"]).path))


async def set_effective_date(loyalty: Api, calendar: Calendar) -> None:
    """The newest published version of the programme counts orders from before the first one of the data."""
    programme_id = await _when_known(lambda: programme(loyalty))
    first_at = calendar.shift(first_recorded()).isoformat()
    path = f"/v1/programmes/{programme_id}/versions"
    draft = (await loyalty.post(path, {"effective_at": first_at}, key=f"demo-version-{first_at}")).json()
    await loyalty.post(f"{path}/{draft['number']}/publication", {}, key=f"demo-publication-{first_at}")


async def import_history(ingest: Api, file: PlanFile, plan: Plan, baskets: Iterator[Basket], sent: Advance) -> Plan:
    """The history is uploaded once and a job works on it; the plan knows which."""
    if plan.import_job is not None:
        return plan
    answer = await ingest.send(
        "POST",
        "/v1/imports",
        params={"store_id": plan.store_id},
        content=history_file(baskets, sent),
        headers={
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Idempotency-Key": f"demo-history-{plan.as_of}",
        },
        timeout=600.0,
    )
    return file.keep(replace(plan, import_job=answer.headers["Location"]))


async def follow_import(ingest: Api, plan: Plan, show: Callable[[int, int], None]) -> Mapping[str, Any]:
    """The import has ended; returns its counts.

    Raises:
        DemoFailed: it ended otherwise than well.
    """
    while True:
        job = await ingest.get(plan.import_job or "")
        show(job["progress"]["done"], job["progress"]["total"] or 0)
        if job["state"] == "failed":
            raise DemoFailed(f"The import failed: {job['problem']}")
        if job["state"] == "succeeded":
            result: Mapping[str, Any] = job["result"]
            return result
        await asyncio.sleep(0.5)


def history(calendar: Calendar, plan: Plan) -> Iterator[Basket]:
    """All baskets before the last seven days."""
    for basket in read_baskets(calendar, households=plan.households):
        if basket.placed_at >= calendar.live_from:
            return
        yield basket


def live(calendar: Calendar, plan: Plan) -> list[Basket]:
    """The baskets of the last seven days."""
    nearly = calendar.last - timedelta(days=LIVE_DAYS + 1)  # a day more than needed: days are local, the data's are not
    baskets = read_baskets(calendar, households=plan.households, recorded_from=nearly)
    return [basket for basket in baskets if basket.placed_at >= calendar.live_from]


async def post_live(
    hook: Api, calendar: Calendar, plan: Plan, baskets: list[Basket], show: Callable[[int, int], None]
) -> int:
    """Every webhook of the live days was answered with success; returns how many there were."""
    deliveries = live_deliveries(baskets, last_at=calendar.shift(calendar.last))
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        show(done, len(deliveries))

    await post_deliveries(
        hook, plan.hook_path or "", deliveries, domain=DOMAIN, secret=plan.shopify_secret, advance=advance
    )
    return len(deliveries)


async def drain(ops: Apis, apis: Apis, show: Callable[[int], None]) -> None:
    """Nothing is on its way any more, from the hook to the mail."""

    async def waiting() -> int:
        deliveries = (await apis["order_ingest"].get("/v1/orders/summary"))["deliveries_waiting"]
        messages = (await apis["messaging"].get("/v1/messages/summary"))["open"]
        return int(deliveries) + int(messages)

    await wait_until_drained(ops, waiting, show)


async def _when_known(ask: Callable[[], Any]) -> Any:
    """The answer, once the service has heard of the merchant: it comes over the bus."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await ask()
            except (DemoFailed, IndexError):
                await asyncio.sleep(0.2)
