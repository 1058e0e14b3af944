"""The statements that load a batch, each over all its keys at once.

The probes are `unnest ... CROSS JOIN LATERAL`, so that the plan is one index probe per key whatever the statistics
say; OFFSET 0 keeps the planner from turning a probe into a join. Keys come sorted, or are sorted here before a row
is locked.
"""

from sqlalchemy import text

MERCHANTS = text(
    """
    SELECT merchant_id, merchant_no, currency FROM merchant WHERE merchant_id = ANY(CAST(:ids AS uuid[]))
    """
)
PLACEHOLDERS = text(
    """
    INSERT INTO merchant (merchant_id, name, currency, registered_at)
    SELECT merchant_id, '', 'XXX', :now FROM unnest(CAST(:ids AS uuid[])) AS w(merchant_id) ORDER BY merchant_id
    ON CONFLICT (merchant_id) DO NOTHING RETURNING merchant_id
    """
)
LOCKED_MERCHANTS = text(
    """
    SELECT merchant_id, merchant_no, currency FROM merchant WHERE merchant_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY merchant_id FOR UPDATE
    """
)
SEGMENTS = text(
    """
    SELECT s.merchant_no, s.segment_id, s.name, v.version, CAST(v.rule AS text) AS rule
    FROM unnest(CAST(:merchants AS int4[])) AS w(merchant_no)
    CROSS JOIN LATERAL (SELECT * FROM segment s WHERE s.merchant_no = w.merchant_no OFFSET 0) s
    CROSS JOIN LATERAL (
        SELECT version, rule FROM segment_version v
        WHERE v.merchant_no = s.merchant_no AND v.segment_id = s.segment_id AND v.version = s.current_version OFFSET 0
    ) v
    ORDER BY s.merchant_no, s.segment_id
    """
)
ORDERS = text(
    """
    WITH wanted AS MATERIALIZED (
        SELECT merchant_no, order_id FROM unnest(CAST(:merchants AS int4[]), CAST(:orders AS uuid[]))
            AS w(merchant_no, order_id)
        UNION
        SELECT a.merchant_no, o.order_id
        FROM unnest(CAST(:absorbed_merchants AS int4[]), CAST(:absorbed AS uuid[])) AS a(merchant_no, customer_id)
        CROSS JOIN LATERAL (
            SELECT order_id FROM customer_order o
            WHERE o.merchant_no = a.merchant_no AND o.customer_id = a.customer_id OFFSET 0
        ) o
        UNION
        SELECT r.merchant_no, o.order_id FROM unnest(CAST(:registering AS int4[])) AS r(merchant_no)
        CROSS JOIN LATERAL (SELECT customer_id FROM customer c WHERE c.merchant_no = r.merchant_no OFFSET 0) c
        CROSS JOIN LATERAL (
            SELECT order_id FROM customer_order o
            WHERE o.merchant_no = r.merchant_no AND o.customer_id = c.customer_id OFFSET 0
        ) o
        ORDER BY 1, 2
    )
    SELECT o.* FROM wanted w CROSS JOIN LATERAL (
        SELECT merchant_no, order_id, customer_id, buyer_id, store_id, version, edited, placed_at, month, currency,
               goods_minor, items, discounted, gift_card_lines, fx_to, fx_rate, cancelled_at, deleted_at
        FROM customer_order o WHERE o.merchant_no = w.merchant_no AND o.order_id = w.order_id
        FOR NO KEY UPDATE
    ) o
    """
)
REFUNDS = text(
    """
    SELECT w.merchant_no, r.order_id, r.refund_id, r.version, r.at, r.currency, r.amount_minor,
           CAST(r.goods AS text) AS goods, r.completes
    FROM unnest(CAST(:merchants AS int4[]), CAST(:orders AS uuid[])) AS w(merchant_no, order_id)
    CROSS JOIN LATERAL (
        SELECT * FROM order_refund r WHERE r.merchant_no = w.merchant_no AND r.order_id = w.order_id OFFSET 0
    ) r
    """
)
CUSTOMERS = text(
    """
    WITH RECURSIVE chain AS (
        SELECT merchant_no, customer_id FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]))
            AS w(merchant_no, customer_id)
        UNION
        SELECT h.merchant_no, c.merged_into FROM chain h CROSS JOIN LATERAL (
            SELECT merged_into FROM customer c
            WHERE c.merchant_no = h.merchant_no AND c.customer_id = h.customer_id AND c.merged_into IS NOT NULL
            OFFSET 0
        ) c
    ), wanted AS MATERIALIZED (SELECT merchant_no, customer_id FROM chain ORDER BY 1, 2)
    SELECT c.* FROM wanted w CROSS JOIN LATERAL (
        SELECT merchant_no, customer_id, identity_version, anonymous, store_id, time_zone, locale, registered_at,
               erased_at, merged_into, merged_version, orders, items, spend_minor, foreign_orders, discounted_orders,
               refunds, refunded_minor, first_order_at, last_order_at, first_qualifying_at, second_qualifying_at,
               month_mask
        FROM customer c WHERE c.merchant_no = w.merchant_no AND c.customer_id = w.customer_id
        FOR NO KEY UPDATE
    ) c
    """
)
# Everybody who is one person with these customers by merges, aliases of aliases too.
FAMILIES = text(
    """
    WITH RECURSIVE family AS (
        SELECT merchant_no, customer_id FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]))
            AS w(merchant_no, customer_id)
        UNION
        SELECT f.merchant_no, n.customer_id FROM family f CROSS JOIN LATERAL (
            SELECT merged_into AS customer_id FROM customer c
            WHERE c.merchant_no = f.merchant_no AND c.customer_id = f.customer_id AND c.merged_into IS NOT NULL
            UNION ALL
            SELECT customer_id FROM customer c WHERE c.merged_into = f.customer_id
                AND c.merchant_no = f.merchant_no AND c.merged_into <> c.customer_id
            OFFSET 0
        ) n
    )
    SELECT merchant_no, customer_id FROM family
    """
)
NEW_CUSTOMERS = text(
    """
    INSERT INTO customer (merchant_no, customer_id)
    SELECT merchant_no, customer_id FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[]))
        AS w(merchant_no, customer_id) ORDER BY 1, 2
    ON CONFLICT (merchant_no, customer_id) DO NOTHING
    """
)
STAYS = text(
    """
    SELECT w.merchant_no, s.segment_id, s.customer_id, s.version, s.entered_at, s.entered_by
    FROM unnest(CAST(:merchants AS int4[]), CAST(:customers AS uuid[])) AS w(merchant_no, customer_id)
    CROSS JOIN LATERAL (
        SELECT * FROM segment_stay s
        WHERE s.merchant_no = w.merchant_no AND s.customer_id = w.customer_id AND s.left_at IS NULL OFFSET 0
    ) s
    """
)
