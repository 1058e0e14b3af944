"""Stored bodies that must not be kept: their rows stay, for what became of them is no secret."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_EMPTY = text(
    """
    UPDATE webhook_delivery d SET body_enc = '', body_sha256 = ''
    FROM unnest(CAST(:merchants AS int4[]), CAST(:lanes AS int2[]), CAST(:seqs AS int8[]),
        CAST(:received AS timestamptz[])) x(merchant_no, lane, seq, received_at)
    WHERE (d.merchant_no, d.lane, d.seq, d.received_at) = (x.merchant_no, x.lane, x.seq, x.received_at)
    """
)


class Spot(NamedTuple):
    """Where one delivery's row lies."""

    merchant_no: int
    lane: int
    seq: int
    received_at: datetime


async def empty_bodies(connection: AsyncConnection, spots: Sequence[Spot]) -> None:
    """Nothing is left of these bodies."""
    if spots:
        merchants, lanes, seqs, received = map(list, zip(*spots, strict=True))
        columns = {"merchants": merchants, "lanes": lanes, "seqs": seqs, "received": received}
        await connection.execute(_EMPTY, columns)
