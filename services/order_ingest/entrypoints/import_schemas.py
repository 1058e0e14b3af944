"""Imports as HTTP shows them."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.order_ingest.application.preview_file import Preview
from services.order_ingest.domain.canonical import EXAMPLE_ORDER
from services.order_ingest.entrypoints.shared import ID, INSTANT

_EXPORT: Final = (
    "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"
    "1,178.8,178.8,上海,2020-02-21 00:00:00,2020-02-21 00:01:00,0\n"
)
"""With `preset=tmall_order_report`."""
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "The only part, with a filename; gzip if that ends in .gz or its type is application/gzip.",
        }
    },
}
IMPORT_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "JSON Lines: each line one version of a canonical order, or an event envelope of our own hook. "
        "Several versions of an order, and refunds, may be in one file in any order. With `preset`: the export as the "
        "platform wrote it, delimited by comma, semicolon or tab. As the body itself, or as the one file of a form.",
        "content": {
            "application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(EXAMPLE_ORDER) + "\n"},
            "text/csv": {"schema": {"type": "string"}, "example": _EXPORT},
            "multipart/form-data": {"schema": _FORM, "example": {"file": "the file's own bytes"}},
        },
    }
}


class ImportOptions(BaseModel):
    """The options that hold, defaults filled in; for an export also how it was said to be written."""

    model_config = ConfigDict(extra="allow")

    max_backlog: int = Field(description="Facts that may be on their way to other services while this import runs.")
    preset: str | None = Field(None, description="Kind of export; null: JSON Lines of our own format.")


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


class PreviewSum(BaseModel):
    """Orders of one currency."""

    currency: str = Field(examples=["USD"])
    orders: int
    total_minor: int
    refunded_minor: int


class PreviewOut(BaseModel):
    """What an import of the file would bring. `others`: refunds, customers and the like by themselves."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "rows_read": 2,
                    "orders": 1,
                    "anonymous_orders": 0,
                    "others": 0,
                    "refused": 1,
                    "first_placed_at": INSTANT,
                    "last_placed_at": INSTANT,
                    "money": [{"currency": "USD", "orders": 1, "total_minor": 4418, "refunded_minor": 1799}],
                    "refused_rows": [{"row_no": 17, "external_id": None, "reason": "/placed_at: is missing"}],
                    "samples": [dict(EXAMPLE_ORDER)],
                }
            ]
        }
    )

    rows_read: int
    orders: int
    anonymous_orders: int
    others: int
    refused: int
    first_placed_at: datetime | None
    last_placed_at: datetime | None
    money: list[PreviewSum]
    refused_rows: list["RejectedRow"] = Field(description="The first hundred.")
    samples: list[dict[str, Any]] = Field(description="The first three orders in our own format.")

    @classmethod
    def of(cls, found: Preview) -> "PreviewOut":
        """The figures as they stand."""
        return cls(
            rows_read=found.read,
            orders=found.orders,
            anonymous_orders=found.anonymous,
            others=found.others,
            refused=found.refused,
            first_placed_at=found.first_placed_at,
            last_placed_at=found.last_placed_at,
            money=[PreviewSum(currency=code, **asdict(each)) for code, each in sorted(found.sums.items())],
            refused_rows=[RejectedRow.model_validate(asdict(each)) for each in found.rejections],
            samples=[dict(each) for each in found.samples],
        )


class RejectedRow(BaseModel):
    """A row that was left out. The row itself is not kept: it holds personal data."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"row_no": 17, "external_id": None, "reason": "/placed_at: is missing"}]}
    )

    row_no: int
    external_id: str | None
    reason: str
