"""Addresses that must not be written to, by keyed hash."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.messaging.application.workspace import Suppression
from services.messaging.domain.admission import SuppressionReason

_SUPPRESS = text(
    """
    INSERT INTO suppression (merchant_no, channel, address_hash, reason, suppression_id, at)
    SELECT x.merchant_no, x.channel, x.address_hash, x.reason, gen_random_uuid(), x.at
    FROM unnest(CAST(:merchants AS int4[]), CAST(:channels AS text[]), CAST(:hashes AS text[]),
                CAST(:reasons AS text[]), CAST(:ats AS timestamptz[]))
        AS x(merchant_no, channel, address_hash, reason, at)
    ON CONFLICT (merchant_no, channel, address_hash, reason) DO UPDATE SET at = greatest(suppression.at, excluded.at)
    """
)
_LIFT = text(
    """
    DELETE FROM suppression s WHERE s.ctid = ANY (ARRAY(
        SELECT found.ctid
        FROM unnest(CAST(:merchants AS int4[]), CAST(:channels AS text[]), CAST(:hashes AS text[]),
                    CAST(:reasons AS text[]), CAST(:ats AS timestamptz[]))
            AS x(merchant_no, channel, address_hash, reason, at)
        CROSS JOIN LATERAL (
            SELECT ctid FROM suppression s
            WHERE s.merchant_no = x.merchant_no AND s.channel = x.channel AND s.address_hash = x.address_hash
                AND s.reason = x.reason AND s.at < x.at OFFSET 0 FOR UPDATE
        ) found
    ))
    """
)
# Probes are `unnest ... CROSS JOIN LATERAL (... OFFSET 0)`: one index probe per key, whatever the statistics say when
# the worker's generic plan is made.
_FIND = text(
    """
    SELECT x.merchant_no, x.address_hash, s.reason
    FROM unnest(CAST(:merchants AS int4[]), CAST(:hashes AS text[])) AS x(merchant_no, address_hash)
    CROSS JOIN LATERAL (
        SELECT s.reason FROM suppression s
        WHERE s.merchant_no = x.merchant_no AND s.channel = :channel AND s.address_hash = x.address_hash OFFSET 0
    ) s
    """
)


async def suppress(connection: AsyncConnection, suppressions: Collection[Suppression]) -> None:
    """The addresses are suppressed for these reasons."""
    if suppressions:
        await connection.execute(_SUPPRESS, _columns(_newest(suppressions)))


async def lift(connection: AsyncConnection, lifted: Collection[Suppression]) -> None:
    """Suppressions of these reasons that are older than the lifting are gone."""
    if lifted:
        await connection.execute(_LIFT, _columns(_newest(lifted)))


async def suppressed_for(
    connection: AsyncConnection, addresses: Collection[tuple[int, str]], *, channel: str
) -> dict[tuple[int, str], set[SuppressionReason]]:
    """The reasons against these (merchant_no, address hash), where there are any."""
    found: dict[tuple[int, str], set[SuppressionReason]] = {}
    ordered = sorted(addresses)
    rows = await connection.execute(
        _FIND, {"merchants": [no for no, _ in ordered], "hashes": [digest for _, digest in ordered], "channel": channel}
    )
    for row in rows:
        found.setdefault((row.merchant_no, row.address_hash), set()).add(row.reason)
    return found


def _newest(suppressions: Collection[Suppression]) -> Sequence[Suppression]:
    """One per address and reason, sorted: a statement must not meet the same row twice."""
    newest = {
        (each.merchant_no, each.channel, each.address_hash, each.reason): each
        for each in sorted(suppressions, key=lambda each: each.at)
    }
    return [newest[key] for key in sorted(newest)]


def _columns(suppressions: Sequence[Suppression]) -> dict[str, list[object]]:
    return {
        "merchants": [each.merchant_no for each in suppressions],
        "channels": [each.channel for each in suppressions],
        "hashes": [each.address_hash for each in suppressions],
        "reasons": [each.reason for each in suppressions],
        "ats": [each.at for each in suppressions],
    }
