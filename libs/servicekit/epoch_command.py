"""`python -m services.<name> new-epoch --reason ...`: for when a restored service's API cannot be asked."""

import getpass

from libs.eventbus import new_epoch
from libs.servicekit import audit
from libs.servicekit.clock import SystemClock
from libs.servicekit.identity import new_id
from libs.servicekit.settings import CommonSettings
from libs.servicekit.worker import open_database

_ACTION = "epoch.start"


async def start_epoch(service: str, settings: CommonSettings, *, reason: str) -> int:
    """The epoch that has begun; it is in the audit log under the system user's name."""
    clock, by = SystemClock(), f"command line: {getpass.getuser()}"
    database = open_database(settings.database_worker_url, "worker", source=service, pool_size=2, clock=clock)
    try:
        async with database.begin() as uow:
            now = clock.now()
            started = await new_epoch.start(
                uow.connection, source=service, by=by, reason=reason, now=now, new_id=new_id
            )
            await audit.record(
                uow.connection,
                merchant_no=None,
                actor=by,
                action=_ACTION,
                target=f"{service}.{started.epoch}",
                now=now,
                after={"reason": reason},
            )
    finally:
        await database.close()
    return started.epoch
