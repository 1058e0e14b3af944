"""What is remembered of stores' hooks at their platforms: topics and times, never an address."""

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.order_ingest.domain.restoring import Known, KnownHook

_LOCK: Final = text(
    """
    SELECT store_no, subscriptions_since, hooks_known FROM store_access
    WHERE store_no = ANY (CAST(:numbers AS int4[])) ORDER BY store_no FOR UPDATE
    """
)
_READ: Final = text("SELECT store_no, hooks_known FROM store_access WHERE store_no = ANY (CAST(:numbers AS int4[]))")
_KEEP: Final = text(
    """
    UPDATE store_access a SET hooks_known = CAST(x.known AS jsonb)
    FROM unnest(CAST(:numbers AS int4[]), CAST(:known AS text[])) AS x(store_no, known)
    WHERE a.store_no = x.store_no
    """
)


async def lock_known(
    connection: AsyncConnection, numbers: Collection[int]
) -> Mapping[int, tuple[datetime | None, Known]]:
    """By store, locked in the order in which pulls lock them: since when the platform is asked, and what is known."""
    rows = await connection.execute(_LOCK, {"numbers": sorted(numbers)})
    return {row.store_no: (row.subscriptions_since, known_of(row.hooks_known)) for row in rows}


async def read_known(connection: AsyncConnection, numbers: Collection[int]) -> Mapping[int, Known]:
    """By store, as it is now."""
    rows = await connection.execute(_READ, {"numbers": sorted(numbers)})
    return {row.store_no: known_of(row.hooks_known) for row in rows}


async def keep_known(connection: AsyncConnection, known: Mapping[int, Known]) -> None:
    """By store, from now on; the stores' rows are locked."""
    if known:
        values = {"numbers": list(known), "known": [_kept(each) for each in known.values()]}
        await connection.execute(_KEEP, values)


def known_of(kept: Any) -> Known:
    """What was kept, by topic; nothing where there is nothing."""
    return {row["topic"]: _hook(row) for row in kept or ()}


def _hook(row: Mapping[str, Any]) -> KnownHook:
    return KnownHook(
        topic=row["topic"],
        at_hook_url=row["at_hook_url"],
        begun_at=_instant(row["begun_at"]),
        ended_at=_instant(row["ended_at"]),
        failure=row["failure"],
        is_left=row["is_left"],
    )


def _instant(kept: str | None) -> datetime | None:
    return None if kept is None else datetime.fromisoformat(kept)


def _kept(known: Known) -> str:
    return json.dumps(
        [
            {
                "topic": hook.topic,
                "at_hook_url": hook.at_hook_url,
                "begun_at": hook.begun_at and hook.begun_at.isoformat(),
                "ended_at": hook.ended_at and hook.ended_at.isoformat(),
                "failure": hook.failure,
                "is_left": hook.is_left,
            }
            for _, hook in sorted(known.items())
        ]
    )
