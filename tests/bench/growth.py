"""P10: what the loyalty fold costs when the tables hold a hundred times as many customers."""

from typing import Final

from tests.bench import loyalty_contestants as contestants
from tests.bench.crowd import count_of, fill_with_members
from tests.bench.figures import Result, Row, Sample, Target, cpu_ratios, ratios
from tests.bench.grounds import Grounds, grounds
from tests.bench.loyalty_fold import history
from tests.bench.terms import Terms

_ORDERS: Final = 8_000
_TIMES: Final = 100


async def growth(terms: Terms) -> Result:
    """The same records into empty tables and into full ones; their customers are new in both."""
    records = history(terms.sized(_ORDERS))
    small: list[Sample] = []
    large: list[Sample] = []
    async with grounds() as ground:
        for _ in range(terms.repeats):
            urls = await ground.databases.fresh("loyalty")
            small.append(await contestants.fold(ground, urls, records))
            members = await count_of(ground.superuser(urls.worker), "account WHERE kind = 'member'")
            large.append(await _crowded(ground, records, members * _TIMES))
    values = ratios(large, small)
    return Result(
        rows=[
            Row(
                id="P10",
                what=f"loyalty fold with {members * _TIMES:,} more customers / without (its CPU)",
                values=values,
                unit="x",
                target=Target(at_least=0.75),
                samples=large,
            ),
            Row(
                id="P10",
                what="the same by CPU, process and database together",
                values=cpu_ratios(large, small),
                unit="x",
            ),
        ]
    )


async def _crowded(ground: Grounds, records: contestants.Records, members: int) -> Sample:
    urls = await ground.databases.fresh("loyalty")
    await contestants.fold(ground, urls, records[:1])  # the merchant alone
    await fill_with_members(ground.superuser(urls.worker), members)
    return await contestants.fold(ground, urls, records)
