"""One merchant never sees another's rows: row-level security keyed by a service's local merchant number.

The API role sees the merchant that its transaction named and fails where it named none. Worker and owner roles
handle many merchants in one batch; there the merchant stands in every key and join.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.servicekit.errors import UnknownMerchant

_TENANT = "merchant_no = current_setting('app.tenant')::int4"
_PLATFORM = f"CASE WHEN current_setting('app.platform', true) = 'on' THEN true ELSE {_TENANT} END"


def merchant_tables(service: str) -> Sequence[str]:
    """The statements that create `merchant` and `set_tenant(uuid)` in a service's first migration."""
    return (
        """
        CREATE TABLE merchant (
            merchant_no int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            merchant_id uuid NOT NULL UNIQUE,
            name text NOT NULL,
            currency text NOT NULL,
            time_zone text NOT NULL DEFAULT 'UTC',
            registered_at timestamptz NOT NULL
        )
        """,
        *_policies("merchant", service, _PLATFORM),
        """
        CREATE FUNCTION set_tenant(_merchant_id uuid) RETURNS int4
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
        DECLARE _no int4;
        BEGIN
            SELECT merchant_no INTO _no FROM merchant WHERE merchant_id = _merchant_id;
            IF _no IS NOT NULL THEN PERFORM set_config('app.tenant', _no::text, true); END IF;
            RETURN _no;
        END $$
        """,
    )


def enable_tenancy(table: str, service: str) -> Sequence[str]:
    """The statements that close `table` (with a `merchant_no` column) to everybody but the named merchant."""
    return _policies(table, service, _TENANT)


def _policies(table: str, service: str, condition: str) -> Sequence[str]:
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY one_merchant ON {table} TO {service}_api USING ({condition}) WITH CHECK ({condition})",
        f"CREATE POLICY all_merchants ON {table} TO {service}_worker, {service}_owner USING (true) WITH CHECK (true)",
    )


async def enter_tenant(connection: AsyncConnection, merchant_id: UUID) -> int:
    """The transaction sees `merchant_id`'s rows only; its local number is returned.

    Raises:
        UnknownMerchant: this service has not (yet) heard of the merchant.
    """
    number = await connection.scalar(text("SELECT set_tenant(:merchant_id)"), {"merchant_id": merchant_id})
    if number is None:
        raise UnknownMerchant(f"merchant {merchant_id} is not known here (yet)")
    return int(number)


async def enter_platform(connection: AsyncConnection) -> None:
    """The transaction may see and add every row of `merchant`, and of no other table."""
    await connection.execute(text("SELECT set_config('app.platform', 'on', true)"))


async def merchant_numbers(connection: AsyncConnection, merchant_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Local numbers of the merchants among `merchant_ids` that this service knows (worker role)."""
    rows = await connection.execute(
        text("SELECT merchant_id, merchant_no FROM merchant WHERE merchant_id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": list(set(merchant_ids))},
    )
    return {row.merchant_id: row.merchant_no for row in rows}
