"""The small copies of orders that points depend on."""

import json
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.eventbus.writes import Writes
from services.loyalty.adapters.columns import columns
from services.loyalty.adapters.errors import all_of
from services.loyalty.application.workspace import OrderKey, Workspace
from services.loyalty.domain.orders import Fx, Order, OrderTerms

_LOAD = text("""
SELECT o.* FROM unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[])) k(merchant_no, order_id)
CROSS JOIN LATERAL (
    SELECT merchant_no, order_id, account_id, version, placed_at, currency, eligible, window_ends_at, fx_to, fx_rate,
           gift_lines, line_refunds, paid_at, cancelled_at, deleted_at, counted, judged, revision
    FROM order_state WHERE merchant_no = k.merchant_no AND order_id = k.order_id OFFSET 0) o
""")
_ORDER_COLUMNS = """merchants ids accounts versions placed_at currencies eligible refunded counted window_ends_at fx_to
    fx_rates gift_lines line_refunds paid_at cancelled_at deleted_at judged revisions"""
_ORDER_ARRAYS = """unnest(CAST(:merchants AS int4[]), CAST(:ids AS uuid[]), CAST(:accounts AS int8[]),
    CAST(:versions AS int8[]), CAST(:placed_at AS timestamptz[]), CAST(:currencies AS text[]),
    CAST(:eligible AS int8[]), CAST(:refunded AS int8[]), CAST(:counted AS int8[]),
    CAST(:window_ends_at AS timestamptz[]), CAST(:fx_to AS text[]), CAST(:fx_rates AS numeric[]),
    CAST(:gift_lines AS text[]), CAST(:line_refunds AS text[]), CAST(:paid_at AS timestamptz[]),
    CAST(:cancelled_at AS timestamptz[]), CAST(:deleted_at AS timestamptz[]), CAST(:judged AS int4[]),
    CAST(:revisions AS int4[]))
    k(merchant_no, order_id, account_id, version, placed_at, currency, eligible, refunded, counted, window_ends_at,
      fx_to, fx_rate, gift_lines, line_refunds, paid_at, cancelled_at, deleted_at, judged, revision)"""
_INSERT = text(f"""
INSERT INTO order_state (merchant_no, order_id, account_id, version, placed_at, currency, eligible, refunded, counted,
    window_ends_at, fx_to, fx_rate, gift_lines, line_refunds, paid_at, cancelled_at, deleted_at, judged)
SELECT merchant_no, order_id, account_id, version, placed_at, currency, eligible, refunded, counted, window_ends_at,
    fx_to, fx_rate, CAST(gift_lines AS uuid[]), CAST(line_refunds AS jsonb), paid_at, cancelled_at, deleted_at, judged
FROM {_ORDER_ARRAYS} ON CONFLICT DO NOTHING
""")  # noqa: S608  # two constants of this module
_UPDATE = text(f"""
UPDATE order_state o SET account_id = k.account_id, version = k.version, placed_at = k.placed_at,
    currency = k.currency, eligible = k.eligible, refunded = k.refunded, counted = k.counted,
    window_ends_at = k.window_ends_at, fx_to = k.fx_to, fx_rate = k.fx_rate,
    gift_lines = CAST(k.gift_lines AS uuid[]), line_refunds = CAST(k.line_refunds AS jsonb), paid_at = k.paid_at,
    cancelled_at = k.cancelled_at, deleted_at = k.deleted_at, judged = k.judged, revision = o.revision + 1
FROM {_ORDER_ARRAYS}
WHERE o.merchant_no = k.merchant_no AND o.order_id = k.order_id AND o.revision = k.revision
""")  # noqa: S608
_FOLLOW = text("""
UPDATE order_state o SET account_id = k.survivor, revision = o.revision + 1
FROM unnest(CAST(:merchants AS int4[]), CAST(:absorbed AS int8[]), CAST(:survivors AS int8[]))
    k(merchant_no, absorbed, survivor)
WHERE o.merchant_no = k.merchant_no AND o.account_id = k.absorbed
""")


async def load(connection: AsyncConnection, workspace: Workspace, keys: Collection[OrderKey]) -> None:
    """The known ones among the orders are in the workspace."""
    if not keys:
        return
    for row in await connection.execute(_LOAD, columns("merchants ids", sorted(keys))):
        order = _order(row)
        workspace.orders[order.merchant_no, order.order_id] = order


def store(writes: Writes, workspace: Workspace) -> None:
    """Orders that changed are stored as the workspace has them, with the writes."""
    touched = sorted((o for o in workspace.orders.values() if o.touched), key=lambda o: (o.merchant_no, o.order_id))
    rows = [(order.loaded, _order_row(order)) for order in touched]
    _write(writes, _INSERT, [row for loaded, row in rows if loaded is None])
    _write(writes, _UPDATE, [row for loaded, row in rows if loaded is not None and row != loaded])


async def follow(connection: AsyncConnection, workspace: Workspace) -> None:
    """Orders of absorbed accounts that are not in memory are the survivors' too; call it after `store` was sent."""
    if workspace.absorbed:
        await connection.execute(_FOLLOW, columns("merchants absorbed survivors", workspace.absorbed))


def _write(writes: Writes, statement: TextClause, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        writes.add(statement, columns(_ORDER_COLUMNS, rows), all_of(len(rows), "orders"))


def _order(row: Any) -> Order:  # the driver's row, in the order of the SELECT above
    told = None
    if row[3] is not None:
        fx = Fx(row[8], row[9]) if row[8] is not None else None
        told = OrderTerms(row[3], row[4], row[5], row[6], row[7], fx, frozenset(row[10] or ()))
    refunds = {UUID(line): amount for line, amount in (row[11] or {}).items()}
    order = Order(row[0], row[1], row[2], told, row[12], row[13], row[14], refunds, row[15], row[16], row[17])
    order.loaded = _order_row(order)
    return order


def _order_row(order: Order) -> tuple[Any, ...]:
    told = order.told
    fx = told.fx if told else None
    gifts = sorted(map(str, told.gift_lines)) if told and told.gift_lines else None
    refunds = {str(line): amount for line, amount in sorted(order.line_refunds.items())}
    return (
        order.merchant_no,
        order.order_id,
        order.account_id,
        told.version if told else None,
        told.placed_at if told else None,
        told.currency if told else None,
        order.eligible,
        order.refunded,
        order.counted,
        told.window_ends_at if told else None,
        fx.to if fx else None,
        fx.rate if fx else None,
        "{" + ",".join(gifts) + "}" if gifts else None,
        json.dumps(refunds) if refunds else None,
        order.paid_at,
        order.cancelled_at,
        order.deleted_at,
        order.judged,
        order.revision,
    )
