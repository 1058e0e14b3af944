"""What the first run fixed, kept on disk, so that every later run changes and prints the same."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.demo.calendar import Calendar, newest_calendar
from deploy.demo.households import last_recorded
from deploy.local.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The demo's fixed facts; what a service answered is added as the steps are done."""

    weeks: int
    as_of: str
    households: int | None
    shopify_secret: str
    merchant_id: str | None = None
    store_id: str | None = None
    hook_path: str | None = None
    import_job: str | None = None

    @property
    def as_of_instant(self) -> datetime:
        """The instant of all figures."""
        return datetime.fromisoformat(self.as_of)

    def calendar(self, last: datetime) -> Calendar:
        """The demo's calendar, given the data's last timestamp."""
        return Calendar(self.weeks, last)


class PlanFile:
    """The plan on disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "plan.json"

    def refuse_other(self, households: int | None) -> None:
        """The data that was loaded, if any was, is that of so many households.

        Raises:
            Refused: it is that of another number.
        """
        plan = self._read()
        if plan is not None and plan.households != households:
            raise Refused(
                f"The demo was first run with {_words(plan.households)}, now {_words(households)} are asked for. "
                "Run it as before, or delete its data with `make reset`."
            )

    def exists(self) -> bool:
        """True if the demo was run here before."""
        return self._path.exists()

    def open(self, *, now: datetime, households: int | None) -> Plan:
        """The plan of the first run, made now if this is it.

        Raises:
            Refused: the data was loaded for another number of households.
        """
        self.refuse_other(households)
        return self._read() or self.keep(_new_plan(now, households))

    def keep(self, plan: Plan) -> Plan:
        """The plan is on disk, closed to other users (it holds the store's secret); returns it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".part")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
            json.dump(asdict(plan), output, indent=2)
        unfinished.replace(self._path)
        return plan

    def _read(self) -> Plan | None:
        return Plan(**json.loads(self._path.read_text())) if self.exists() else None


def _new_plan(now: datetime, households: int | None) -> Plan:
    weeks = newest_calendar(last_recorded(), now).weeks
    as_of = now.astimezone(UTC).replace(microsecond=0).isoformat()
    return Plan(weeks=weeks, as_of=as_of, households=households, shopify_secret=f"shpss_{secrets.token_hex(16)}")


def _words(households: int | None) -> str:
    return "all households" if households is None else f"{households} households"
