"""Imports as HTTP shows them."""

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order_ingest.domain.canonical import EXAMPLE_ORDER
from services.order_ingest.entrypoints.shared import ID, INSTANT

IMPORT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "JSON Lines: each line one version of a canonical order, or an event envelope of our own hook. "
        "Several versions of an order, and refunds, may be in one file in any order.",
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(EXAMPLE_ORDER) + "\n"}
        },
    }
}


class ImportOptions(BaseModel):
    """The options that hold, defaults filled in."""

    max_backlog: int = Field(description="Facts that may be on their way to other services while this import runs.")


class ImportOut(BaseModel):
    """A history import. `duplicates`: rows that changed nothing; `job_id` tells progress under `/v1/jobs`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "import_id": ID,
                    "store_id": ID,
                    "state": "queued",
                    "options": {"max_backlog": 2500},
                    "job_id": ID,
                    "rows_uploaded": 153302,
                    "rows_read": 0,
                    "accepted": 0,
                    "duplicates": 0,
                    "rejected": 0,
                    "created_at": INSTANT,
                    "started_at": None,
                    "finished_at": None,
                }
            ]
        }
    )

    import_id: UUID
    store_id: UUID
    state: str
    options: ImportOptions
    job_id: UUID | None
    rows_uploaded: int
    rows_read: int
    accepted: int
    duplicates: int
    rejected: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RejectedRow(BaseModel):
    """A row that was left out. The row itself is not kept: it holds personal data."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"row_no": 17, "external_id": None, "reason": "/placed_at: is missing"}]}
    )

    row_no: int
    external_id: str | None
    reason: str
