"""The worker's part of the ops routes: parked events are applied again where the handlers are."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from libs.eventbus.errors import NothingParked, ReplayFailed
from libs.eventbus.group import Group
from libs.eventbus.parked import Place
from libs.eventbus.replaying import Operator
from libs.eventbus.transaction import Begin
from libs.servicekit.errors import JobRefused
from libs.servicekit.jobs import JobHandler, JobRun

REPLAY: Final = "parked_event.replay"


def ops_job_handlers(group: Group, begin: Begin) -> Mapping[str, JobHandler]:
    """What a worker's JobRunner needs beside the service's own kinds of job; `begin` is the worker role's."""

    async def replay(run: JobRun, stop: asyncio.Event) -> Mapping[str, Any]:
        request = run.request
        place = Place(request["source"], request["topic"], request["lane"], request["sequence"])
        try:
            replayed = await Operator(group, begin, request["by"]).replay(place)
        except NothingParked:  # somebody else resolved it, or this job did before it died
            replayed = 0
        except ReplayFailed as failure:
            raise JobRefused("The event fails again", str(failure)) from failure
        return {"replayed": replayed}

    return {REPLAY: replay}
